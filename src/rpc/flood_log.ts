import type { Logger } from "../log.ts";

/** How many lines of one kind there are in a window, and how long that is. */
const maxLines = 10, windowMs = 60_000;

/** Somebody who was not let in. */
export interface Refusal {
  /** Where it is, such as `192.0.2.7:51234`. */
  readonly address: string;
  /** The name in its certificate, when it has shown one that holds. */
  readonly identity?: string;
  readonly reason: string;
}

/** A refusal that is told of, with how many of its kind there were since the one before that were not. */
export type ToldRefusal = Refusal & { readonly untold: number };

/** Where refusals go, beside the log. */
export interface FloodLogOptions {
  readonly onRefused?: (refusal: ToldRefusal) => void;
  readonly now?: () => number;
}

/**
 * Notes what strangers can bring about as often as they like: the first lines of each kind, and then only how many
 * there were.
 */
export class FloodLog {
  readonly #log: Logger;
  readonly #onRefused: NonNullable<FloodLogOptions["onRefused"]>;
  readonly #now: () => number;
  readonly #kinds = new Map<string, { since: number; lines: number; left: number }>();

  /** Makes a log that writes to `log`. */
  constructor(log: Logger, { onRefused = () => {}, now = () => performance.now() }: FloodLogOptions = {}) {
    this.#log = log;
    this.#onRefused = onRefused;
    this.#now = now;
  }

  /** Notes that somebody is not let in, for a kind of reason; there are a few of these, named in the code. */
  warning(kind: string, message: string, refusal: Refusal): void {
    const left = this.#pass(kind);
    if (left === undefined) return;
    this.#log.warning(left === 0 ? message : `${message} (${left} more like this before it)`);
    this.#onRefused({ ...refusal, untold: left });
  }

  /** The same for a refusal that has its line in the log in any case. */
  refused(kind: string, refusal: Refusal): void {
    const untold = this.#pass(kind);
    if (untold !== undefined) this.#onRefused({ ...refusal, untold });
  }

  /** How many were held back before this one; nothing when it is to be held back as well. */
  #pass(kind: string): number | undefined {
    const now = this.#now();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now - known.since < windowMs) {
      if (known.lines++ < maxLines) return 0;
      known.left++;
      return undefined;
    }
    this.#kinds.set(kind, { since: now, lines: 1, left: 0 });
    return known?.left ?? 0;
  }
}
