import type { Caller } from "./caller.ts";

/** Who is told of clients. */
export interface PresenceListener {
  /** A client has called something; `name` is that in its certificate, else its address. */
  clientCalls(name: string): void;
  /** The last client's connection is closed. */
  clientsGone(): void;
}

/** Which clients are there: a client is a connection, from its first call to its end. Hooks are none. */
export class ClientPresence {
  readonly #listener: PresenceListener;
  /** Each open connection that has called something, and in which session it did so last. */
  readonly #connections = new Map<AbortSignal, number>();
  #session = 0;

  /** Begins without clients. */
  constructor(listener: PresenceListener) {
    this.#listener = listener;
  }

  /** Takes note of a call. */
  readonly seen = ({ connectionClosed, identity, peer, isTrusted }: Caller): void => {
    if (isTrusted || connectionClosed.aborted) return;
    if (!this.#connections.has(connectionClosed)) {
      connectionClosed.addEventListener("abort", () => this.#gone(connectionClosed), { once: true });
    }
    this.#connections.set(connectionClosed, this.#session);
    this.#listener.clientCalls(identity ?? peer);
  };

  /** A session has ended: who is to be there in the next has to call again. */
  forget(): void {
    this.#session++;
  }

  #gone(connection: AbortSignal): void {
    const session = this.#connections.get(connection);
    this.#connections.delete(connection);
    if (session !== this.#session || [...this.#connections.values()].includes(session)) return;
    this.#listener.clientsGone();
  }
}
