import project from "../../deno.json" with { type: "json" };
import type { ExporterObserver } from "../exporter_event.ts";
import type { Watcher } from "../telemetry/mod.ts";
import type { Logger } from "../log.ts";
import type { Permission } from "../permission.ts";
import { formatAddress, listenPermissions, parseListenAddress, type TcpAddress } from "../address.ts";
import type { Env } from "./connection_options.ts";
import type { PartPermissions } from "../exporter/mod.ts";
import { writeOut } from "./output.ts";

/** The options of `jmp run` that let others watch over it, as commander names them. */
export interface TelemetryOptions {
  http?: string;
  auditLog?: string;
}

/** What watches over an exporter. */
export interface Telemetry extends AsyncDisposable {
  readonly observers: readonly ExporterObserver[];
  /** Opens anew what is written to a file, which may have been renamed. */
  reopen(): Promise<void>;
}

/** Deno's own switch for OpenTelemetry. */
const otelVariable = "OTEL_DENO";

/**
 * Opens what the options and the environment ask for, and loads nothing else.
 *
 * @param name The exporter's name.
 * @throws {JumpstarterError} `usage`, `listen` or `config`.
 */
export async function openTelemetry(
  { http, auditLog }: TelemetryOptions,
  env: Env,
  name: string,
  log: Logger,
): Promise<Telemetry> {
  const watchers: Watcher[] = [];
  await using opened = new AsyncDisposableStack();
  if (auditLog !== undefined) {
    const { keepAuditLog } = await import("../telemetry/mod.ts");
    const target = auditLog === "-" ? { write: writeOut } : { file: auditLog };
    watchers.push(opened.use(await keepAuditLog(target, (line) => log.warning(line))));
  }
  if (env[otelVariable]) {
    const { traceSpans } = await import("../telemetry/mod.ts");
    watchers.push(opened.use(await traceSpans()));
  }
  if (http !== undefined) {
    const { watchOverHttp } = await import("../telemetry/mod.ts");
    const { host, port } = httpAddress(http);
    const watcher = opened.use(await watchOverHttp({ host, port }, { name, version: project.version }));
    watchers.push(watcher);
    log.info(`Health and metrics at http://${formatAddress({ kind: "tcp", ...watcher.place })}`);
  }
  const owned = opened.move();
  return {
    observers: watchers.map(({ observe }) => observe),
    reopen: async () => void await Promise.all(watchers.map(({ reopen }) => reopen?.())),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What it takes of Deno, part by part. */
export function telemetryPermissions({ http, auditLog }: TelemetryOptions): PartPermissions[] {
  const parts: PartPermissions[] = [];
  if (http !== undefined) parts.push({ part: "HTTP", permissions: listenPermissions(httpAddress(http)) });
  if (auditLog !== undefined && auditLog !== "-") {
    const permissions: Permission[] = [{ kind: "write", of: auditLog }];
    parts.push({ part: "audit log", permissions });
  }
  return parts;
}

/** Without a host it is for this machine alone: whoever can reach it can read it. */
function httpAddress(text: string): TcpAddress & { host: string } {
  const { host = "127.0.0.1", port } = parseListenAddress(text);
  return { kind: "tcp", host, port };
}
