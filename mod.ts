/**
 * Jumpstarter for TypeScript: drive real hardware from test code.
 *
 * Run as a program (`deno run -A jsr:@jumpstarter/cli run …`) it is the `jmp` command.
 *
 * @example Switch a device on from a test
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { PowerClient } from "@jumpstarter/cli/power";
 *
 * Deno.test("the board boots", async () => {
 *   await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 *   await exporter.driver("power", PowerClient).on();
 * });
 * ```
 *
 * @module
 */
import { builtinDrivers } from "./drivers/mod.ts";
import { type ConnectOptions, connectWith, type Exporter } from "./src/client/mod.ts";
import type { DriverPackage } from "./src/driver/mod.ts";

export { AtomicFile } from "./src/atomic_file.ts";
export {
  ConfigError,
  type ConfigProblem,
  DriverError,
  type ErrorCode,
  type ErrorDetails,
  HookError,
  JumpstarterError,
} from "./src/errors.ts";
export type { Json } from "./src/json.ts";
export { Logger } from "./src/log.ts";
export type { LogContext, LogRecord, LogSink, LogSource, Severity } from "./src/log.ts";
export type { KeyedPem } from "./src/pem.ts";
export type { Permission, PermissionKind } from "./src/permission.ts";
export type { Schema, SchemaIssue } from "./src/schema.ts";
export * from "./src/driver/mod.ts";
export {
  type ClientNode,
  type ConnectOptions,
  type ExclusiveOptions,
  Exporter,
  type ExporterStatusUpdate,
  type OtherClient,
  type ReconnectOptions,
} from "./src/client/mod.ts";

/**
 * Connects to an exporter and waits until it is ready.
 *
 * @param address `HOST:PORT`, `HOST` (port 19090), or the path of a Unix socket.
 * @param options How to connect; `drivers` adds driver packages to the built-in ones.
 * @throws {JumpstarterError} `connect`, `unauthenticated`, `hook`, `timeout`, `busy`, `usage` for what is no address, or
 * `config` for a certificate or key that is of no use.
 */
export function connect(
  address: string,
  options: ConnectOptions & { drivers?: readonly DriverPackage[] } = {},
): Promise<Exporter> {
  return connectWith([...(options.drivers ?? []), ...builtinDrivers], address, options);
}

if (import.meta.main) await (await import("./cli.ts")).runMain(() => import("./commands.ts"));
