import type { Address } from "../address.ts";
import type { ConnectionTerms } from "./connection_terms.ts";
import type { Keepalive } from "./keepalive.ts";
import type { TlsTrust } from "./tls.ts";

/** How to reach an exporter. */
export interface ChannelOptions {
  /** Where it is. */
  address: Address;
  /** Whom to trust when it speaks TLS; plaintext without it. */
  tls?: TlsTrust;
  /** What goes with every call. */
  passphrase?: string;
  /** How long what listens there may take to show that it is an exporter, in milliseconds; 10,000 by default. */
  connectTimeoutMs?: number;
  /** How hints call these options; as the library does by default. */
  terms?: ConnectionTerms;
  /** How it is noticed that the exporter is dead, where it is not by {@linkcode defaultKeepalive}. */
  keepalive?: Keepalive;
}

/** How long an exporter may take to give its first answer where nobody says, in milliseconds. */
export const defaultConnectTimeoutMs = 10_000;
