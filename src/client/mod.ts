/**
 * Connects to an exporter and makes the clients of its drivers.
 *
 * Permissions: those of the transport; nothing else.
 *
 * @module
 */
export type { ClientNode } from "./build_tree.ts";
export { type ConnectOptions, connectWith, Exporter, openChannel, openExporter } from "./connect.ts";
export { endLogs, followLogs, type FollowOptions } from "./follow_logs.ts";
export {
  describeOther,
  type ExclusiveOptions,
  type Hold,
  holdDevices,
  type HoldOptions,
  type OtherClient,
} from "./hold.ts";
export { type ReconnectOptions, type UpOptions, waitUntilUp } from "./reconnect.ts";
export { type ExporterInfo, type ExporterStatusUpdate, followInfo, type OwnInfo, readInfo } from "./exporter_info.ts";
export { type ReadyOptions, waitReady } from "./wait_ready.ts";
