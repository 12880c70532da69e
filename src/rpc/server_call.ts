import { Metadata, type ServerUnaryCall } from "@grpc/grpc-js";
import { JumpstarterError } from "../errors.ts";
import { holdKey } from "./hold_key.ts";

/** What a handler knows of one call. */
export interface ServerCall {
  /** Fires when the caller cancels, runs out of time or goes away. */
  readonly signal: AbortSignal;
  /** Fires when the connection that the call came on is closed, which may be long after the call. */
  readonly connectionClosed: AbortSignal;
  /** Where the caller is, such as `192.0.2.7:51234`. */
  readonly peer: string;
  /** Who the caller is, by the name in its certificate; nothing when it has shown none. */
  readonly identity?: string;
  /** The call came in on a listener that only this program's own children can reach. */
  readonly isTrusted: boolean;
  /** What shows that the caller holds the devices; nothing where it claims no such thing. */
  readonly hold?: string;
  /** The span in which the caller has made the call, as W3C's Trace Context has it. */
  readonly traceParent?: string;
  /** A metadata entry of the request. */
  metadata(key: string): string | undefined;
  /** Sends the initial metadata now, instead of with the first response. */
  sendMetadata(entries: Readonly<Record<string, string>>): void;
}

/** The connection that a call has come on. */
export interface CallConnection {
  /** Where the caller is, such as `192.0.2.7:51234`. */
  readonly peer: string;
  /** Who the caller is, where it has shown that. */
  readonly identity?: string;
  /** Fires when the connection is closed. */
  readonly closed: AbortSignal;
}

/** What the three kinds of call of grpc-js have in common. */
type AnyServerCall = Pick<ServerUnaryCall<unknown, unknown>, "cancelled" | "metadata" | "sendMetadata"> & {
  once(event: "cancelled", listener: () => void): unknown;
};

/** A call until it is answered. Few handlers ask for much of it, so what costs is made when it is asked for. */
export class AcceptedCall implements ServerCall, Disposable {
  readonly isTrusted: boolean;
  readonly #call: AnyServerCall;
  readonly #connection: CallConnection;
  #gone: AbortController | undefined;
  #isAnswered = false;

  /** Takes a call on, as it has come. */
  constructor(call: AnyServerCall, connection: CallConnection, isTrusted: boolean) {
    this.isTrusted = isTrusted;
    this.#call = call;
    this.#connection = connection;
  }

  get signal(): AbortSignal {
    return (this.#gone ??= this.#watch()).signal;
  }

  #watch(): AbortController {
    const gone = new AbortController();
    const cancel = () => {
      if (!this.#isAnswered) gone.abort(clientGone()); // grpc-js says of every call in its end that it was cancelled
    };
    if (this.#call.cancelled) cancel();
    else this.#call.once("cancelled", cancel);
    return gone;
  }

  get connectionClosed(): AbortSignal {
    return this.#connection.closed;
  }

  get peer(): string {
    return this.#connection.peer;
  }

  get identity(): string | undefined {
    return this.#connection.identity;
  }

  get hold(): string | undefined {
    return this.metadata(holdKey);
  }

  get traceParent(): string | undefined {
    return this.metadata("traceparent");
  }

  metadata(key: string): string | undefined {
    return this.#call.metadata.get(key)[0]?.toString();
  }

  sendMetadata(entries: Readonly<Record<string, string>>): void {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
    this.#call.sendMetadata(metadata);
  }

  [Symbol.dispose](): void {
    this.#isAnswered = true;
  }
}

/** Why a call's signal fires. */
function clientGone(): JumpstarterError {
  return new JumpstarterError("cancelled", "The client broke the call off");
}
