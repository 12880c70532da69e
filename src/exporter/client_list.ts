import type { ConnectedClient, ExporterObserver } from "../exporter_event.ts";
import type { ConnectedPeer } from "../rpc/mod.ts";

/** The connections of clients, from their beginning to their end. Hooks are no clients. */
export class ClientList implements Disposable {
  readonly #open = new Set<ConnectedClient>();
  readonly #observe: ExporterObserver;

  /** Begins without clients. */
  constructor(observe: ExporterObserver) {
    this.#observe = observe;
  }

  /** Who is connected, the first to come first. */
  get all(): readonly ConnectedClient[] {
    return [...this.#open];
  }

  /** Takes a connection in. */
  add({ identity, address, closed }: ConnectedPeer): void {
    const client = { identity, address, since: new Date() };
    this.#open.add(client);
    this.#observe({ kind: "connected", client });
    void closed.then(() => this.#gone(client));
  }

  /** Tells the end of those that are still there, before nobody listens any more. */
  [Symbol.dispose](): void {
    for (const client of this.#open) this.#gone(client);
  }

  #gone(client: ConnectedClient): void {
    if (this.#open.delete(client)) this.#observe({ kind: "disconnected", client });
  }
}
