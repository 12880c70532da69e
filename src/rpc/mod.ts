/**
 * gRPC, wrapped once: servers and channels over TCP, TLS and Unix sockets, one status table, keepalive both ways,
 * the passphrase, and raw streams. No other room imports `@grpc/grpc-js`.
 *
 * Permissions: `--allow-net` for the address served or called, and `--allow-env` for what grpc-js reads, or
 * `--ignore-env` for all of it: `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`, `GRPC_EXPERIMENTAL_ENABLE_OUTLIER_DETECTION`,
 * `GRPC_NODE_DEBUG_SEND_ERROR_DETAILS`, `GRPC_NODE_TRACE`, `GRPC_NODE_USE_ALTERNATIVE_RESOLVER`,
 * `GRPC_NODE_VERBOSITY`, `GRPC_SSL_CIPHER_SUITES`, `GRPC_TRACE`, `GRPC_VERBOSITY`. A Unix socket also needs
 * `--allow-read` and `--allow-write` of its path, and `--allow-net=unix:` with it.
 *
 * @module
 */
export { type CallLimits, throwIfAborted } from "./call_limits.ts";
export { Channel } from "./channel.ts";
export { type ChannelOptions, defaultConnectTimeoutMs } from "./channel_options.ts";
export type { ConnectionTerms } from "./connection_terms.ts";
export {
  type ClientFrameStream,
  fileKind,
  type FrameStream,
  type FrameStreamKind,
  integrity,
  integrityKey,
  openFrameStream,
  relayFrames,
} from "./frame_stream.ts";
export { holdKey } from "./hold_key.ts";
export { type ConnectedPeer, serve, type ServeOptions, type Server } from "./server.ts";
export { defaultLimits, type ServerLimits } from "./server_limits.ts";
export type { ServerCall } from "./server_call.ts";
export { bindService, type BoundService, type ServiceHandlers } from "./service.ts";
export { type TlsRefusal, tlsRefusal } from "./presented_certificate.ts";
export type { ServerCertificate, TlsTrust } from "./tls.ts";
export { fromValue, toValue } from "./value.ts";
