import { ExporterStatus } from "../../proto/mod.ts";

/** What the exporter says of itself at one moment. */
export interface StatusSnapshot {
  /** The state of the wire contract. */
  readonly status: ExporterStatus;
  /** Why, in words. */
  readonly message: string;
  /** Rises by one at every change; 0 at first. */
  readonly version: bigint;
  /** The state before the last change. */
  readonly previous?: ExporterStatus;
}

/** The exporter's status, versioned; readers are noted so that a last word can be waited for. */
export class StatusBoard {
  #snapshot: StatusSnapshot = { status: ExporterStatus.AVAILABLE, message: "Starting", version: 0n };
  /** What each reader has seen last, by where it is. */
  readonly #readers = new Map<string, { version: bigint; at: number }>();
  #onRead: () => void = () => {};

  /** What the exporter says now. */
  get current(): StatusSnapshot {
    return this.#snapshot;
  }

  /** Changes the status. */
  set(status: ExporterStatus, message: string): void {
    const { status: previous, version } = this.#snapshot;
    this.#snapshot = { status, message, version: version + 1n, previous };
  }

  /** What the exporter says now, to a client at `peer`. */
  read(peer: string): StatusSnapshot {
    this.#readers.set(peer, { version: this.#snapshot.version, at: Date.now() });
    this.#onRead();
    return this.#snapshot;
  }

  /**
   * Waits until every client that has asked lately (`withinMs`) has read the present status, `limitMs` at most.
   * Clients ask several times a second while they wait, so one that has fallen silent is not waited for.
   */
  async readByAll({ withinMs, limitMs }: { withinMs: number; limitMs: number }): Promise<void> {
    const since = Date.now() - withinMs;
    const isBehind = () =>
      [...this.#readers.values()].some(({ version, at }) => at >= since && version < this.#snapshot.version);
    if (!isBehind()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#onRead = () => {
        if (isBehind()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onRead = () => {};
  }
}
