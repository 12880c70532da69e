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
  /** What the client of each open connection has seen last. */
  readonly #readers = new Map<AbortSignal, { version: bigint; at: number }>();
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

  /** What the exporter says now, to the client whose connection `closed` tells of. */
  read(closed: AbortSignal): StatusSnapshot {
    if (!closed.aborted) {
      if (!this.#readers.has(closed)) closed.addEventListener("abort", () => this.#gone(closed), { once: true });
      this.#readers.set(closed, { version: this.#snapshot.version, at: Date.now() });
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
   * Clients ask several times a second while they wait, so one that has fallen silent is not waited for,
   * nor one whose connection is closed.
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

  #gone(closed: AbortSignal): void {
    this.#readers.delete(closed);
    this.#onRead();
  }
}
