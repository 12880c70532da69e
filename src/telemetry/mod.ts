/**
 * What happens at an exporter, for those who watch over it: metrics over HTTP, an audit log, spans. Each part is loaded
 * only when it is asked for.
 *
 * Permissions: `--allow-net` of the address for HTTP, `--allow-write` of the file for the audit log; spans need none.
 *
 * @module
 */
import type { AuditTarget, HttpPlace, HttpWatcher, WatchedExporter, Watcher } from "./watcher.ts";

export type { AuditTarget, HttpPlace, HttpWatcher, WatchedExporter, Watcher } from "./watcher.ts";

/**
 * Serves health, readiness and metrics over HTTP.
 *
 * @throws {JumpstarterError} `listen` when the address cannot be had.
 */
export async function watchOverHttp(place: HttpPlace, exporter: WatchedExporter): Promise<HttpWatcher> {
  const { openHttp } = await import("./http_listener.ts");
  return openHttp(place, exporter);
}

/**
 * Writes a line of JSON for each connection, refusal, call and change of who holds the devices.
 *
 * @param warn Told once when lines cannot be written, and when they can again.
 * @throws {JumpstarterError} `config` when the file cannot be opened.
 */
export async function keepAuditLog(target: AuditTarget, warn: (line: string) => void): Promise<Watcher> {
  const { openAuditLog } = await import("./audit_log.ts");
  return await openAuditLog(target, warn);
}

/** Makes a span of each call and hook, for whatever OpenTelemetry is switched on in this process. */
export async function traceSpans(): Promise<Watcher> {
  const { spanWriter } = await import("./spans.ts");
  return { observe: spanWriter(), [Symbol.asyncDispose]: () => Promise.resolve() };
}
