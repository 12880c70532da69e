import type { Logger } from "../log.ts";

/** How many lines of one kind there are in a window, and how long that is. */
const maxLines = 10, windowMs = 60_000;

/**
 * Notes what strangers can bring about as often as they like: the first lines of each kind, and then only how many
 * there were.
 */
export class FloodLog {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #kinds = new Map<string, { since: number; lines: number; left: number }>();

  /** Makes a log that writes to `log`. */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Notes a line of a kind, of which there are a few, named in the code. */
  warning(kind: string, message: string): void {
    const now = this.#now();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now - known.since < windowMs) {
      if (known.lines++ >= maxLines) return void known.left++;
      return this.#log.warning(message);
    }
    const left = known?.left ?? 0;
    this.#kinds.set(kind, { since: now, lines: 1, left: 0 });
    this.#log.warning(left === 0 ? message : `${message} (${left} more like this before it)`);
  }
}
