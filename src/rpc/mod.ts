/**
 * gRPC, wrapped once: servers and channels over TCP, TLS and Unix sockets, one status table, keepalive both ways,
 * the passphrase, and raw streams. No other room imports `@grpc/grpc-js`.
 *
 * Permissions: `--allow-env` for the `GRPC_*` variables that grpc-js reads at import (or `--ignore-env`), and
 * `--allow-net` for the address served or called. A Unix socket also needs `--allow-read` and `--allow-write` of its
 * path.
 *
 * @module
 */
export {
  type Address,
  defaultPort,
  formatAddress,
  parseAddress,
  parseListenAddress,
  type TcpAddress,
  type UnixAddress,
} from "./address.ts";
export { type CallLimits, Channel } from "./channel.ts";
export type { ChannelOptions } from "./channel_options.ts";
export {
  type ClientFrameStream,
  type FrameStream,
  type FrameStreamKind,
  openFrameStream,
  relayFrames,
} from "./frame_stream.ts";
export { assertPassphrase } from "./passphrase.ts";
export { serve, type ServeOptions, type Server } from "./server.ts";
export { bindService, type BoundService, type ServerCall, type ServiceHandlers } from "./service.ts";
export { assertCertificate, type ServerCertificate, type TlsTrust } from "./tls.ts";
export { fromValue, toValue } from "./value.ts";
