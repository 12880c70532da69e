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

/** Who has not asked for so long is not remembered: an exporter that runs for months sees very many clients. */
const forgottenAfterMs = 60_000;

/** The exporter's status, versioned; readers are noted so that a last word can be waited for. */
export class StatusBoard {
  #snapshot: StatusSnapshot = { status: ExporterStatus.AVAILABLE, message: "Starting", version: 0n };
  /** What each reader has seen last, by where it is. */
  readonly #readers = new Map<string, { version: bigint; at: number }>();
  #onRead: () => void = () => {};
  readonly #onChange: (snapshot: StatusSnapshot) => void;

  /** Begins as a board of an exporter that starts; `onChange` is told of every change. */
  constructor(onChange: (snapshot: StatusSnapshot) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** What the exporter says now. */
  get current(): StatusSnapshot {
    return this.#snapshot;
  }

  /** Changes the status. */
  set(status: ExporterStatus, message: string): void {
    const { status: previous, version } = this.#snapshot;
    this.#snapshot = { status, message, version: version + 1n, previous };
    this.#onChange(this.#snapshot);
  }

  /** What the exporter says now, to a client at `peer`. */
  read(peer: string): StatusSnapshot {
    const now = Date.now();
    this.#readers.delete(peer); // so that those who asked longest ago come first
    this.#readers.set(peer, { version: this.#snapshot.version, at: now });
    for (const [other, { at }] of this.#readers) {
      if (now - at <= forgottenAfterMs) break;
      this.#readers.delete(other);
    }
    this.#onRead();
    return this.#snapshot;
  }

  /** How many clients are remembered. */
  get readers(): number {
    return this.#readers.size;
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
