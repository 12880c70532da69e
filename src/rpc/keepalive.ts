/** How a peer that is dead is noticed. */
export interface Keepalive {
  /** How often it is pinged, in milliseconds. */
  readonly pingMs: number;
  /** How long it may take to answer, in milliseconds. */
  readonly answerMs: number;
}

/**
 * The dead are noticed within 25 s, which leaves 5 s to whoever has to say so within 30 s. A Python exporter ends the
 * connection of a client that pings it more often than every 10 s; ours takes any number of pings.
 */
export const defaultKeepalive: Keepalive = { pingMs: 15_000, answerMs: 10_000 };

/** The same in the words of gRPC, for either end. */
export function keepaliveOptions({ pingMs, answerMs }: Keepalive = defaultKeepalive) {
  return {
    "grpc.keepalive_time_ms": pingMs,
    "grpc.keepalive_timeout_ms": answerMs,
    "grpc.keepalive_permit_without_calls": 1,
  };
}
