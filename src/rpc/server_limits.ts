import type { ServerOptions } from "@grpc/grpc-js";

/** What a server grants its peers; whatever goes beyond is refused, and costs it next to nothing. */
export interface ServerLimits {
  /** How many connections there may be at a time. */
  readonly maxConnections: number;
  /** How many calls may run on one connection at a time. */
  readonly maxStreams: number;
  /** How long one message may be, in bytes. */
  readonly maxMessageBytes: number;
  /** How long the metadata of one call may be, in bytes: names, values, and 32 for each entry. */
  readonly maxMetadataBytes: number;
  /** How long a peer may take until it speaks HTTP/2, with its TLS handshake, in milliseconds. */
  readonly handshakeMs: number;
  /** How long a connection may be open without a call, in milliseconds. */
  readonly idleMs: number;
  /** The longest pause between two failed logins from one address, in milliseconds; 0 for no pause at all. */
  readonly loginPauseMs: number;
}

/** What is granted unless something else is said. */
export const defaultLimits: ServerLimits = {
  maxConnections: 256,
  maxStreams: 256,
  maxMessageBytes: 4 * 1024 * 1024,
  maxMetadataBytes: 16 * 1024,
  handshakeMs: 10_000,
  idleMs: 3_600_000,
  loginPauseMs: 2_000,
};

/** The limits that grpc-js keeps by itself. */
export function grpcLimits({ maxStreams, maxMessageBytes, idleMs }: ServerLimits): ServerOptions {
  return {
    "grpc.max_concurrent_streams": maxStreams,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_connection_idle_ms": idleMs,
  };
}
