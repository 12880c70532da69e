import { join } from "node:path";
import { runExporter } from "../exporter/mod.ts";
import type { LogRecord } from "../log.ts";
import type { UnixAddress } from "../rpc/mod.ts";
import { definedOnly } from "./connection_options.ts";
import { exitCodes } from "./exit_code.ts";
import { loadExporterConfig } from "./exporter_config.ts";
import type { MainOptions } from "./main_options.ts";
import { formatHookLine, formatText, writeErr } from "./output.ts";

/** An exporter in this process. */
export interface LocalExporter extends AsyncDisposable {
  /** Its socket, which only this user can reach. */
  readonly address: UnixAddress;
  /** Stops it, afterLease included; answers the exit code of a hook that failed. */
  stop(): Promise<number | undefined>;
}

/** Serves the config that the options name on a private Unix socket. */
export async function serveLocally(
  options: { exporterConfig?: string; exporter?: string },
  { env, packages, launcher }: MainOptions,
): Promise<LocalExporter> {
  const loaded = await loadExporterConfig(options, env);
  const dir = await Deno.makeTempDir({ prefix: "jumpstarter-local-" });
  const address: UnixAddress = { kind: "unix", path: join(dir, "exporter.sock") };
  const stopping = new AbortController();
  const listening = Promise.withResolvers<void>();
  let hasClient = true;
  const ended = runExporter({
    loaded,
    packages,
    address,
    env: definedOnly(env),
    launcher,
    sink: (record) => show(record, hasClient),
    stopping: stopping.signal,
    onListening: () => listening.resolve(),
  });
  const stop = async () => {
    hasClient = false;
    stopping.abort();
    const end = await ended;
    return end.kind === "hookFailed" ? exitCodes.hook : undefined;
  };
  const removeDir = () => Deno.remove(dir, { recursive: true });
  try {
    await Promise.race([listening.promise, ended]);
  } catch (error) {
    await removeDir();
    throw error;
  }
  return {
    address,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await removeDir();
    },
  };
}

/** While the client follows the log it shows the hooks' lines itself. */
function show(record: LogRecord, hasClient: boolean): void {
  const isHook = record.source === "beforeLease" || record.source === "afterLease";
  if (isHook && !hasClient) writeErr(formatHookLine(record));
  else if (record.severity === "WARNING" || record.severity === "ERROR") writeErr(formatText(record));
}
