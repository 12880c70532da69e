import { pause } from "../../src/pause.ts";

/** The longest burst, in milliseconds of sending: what timers can resolve. */
const burstMs = 2;

/** The longest time that one timer waits for; there may be another after it. */
const longestPauseMs = 60_000;

/** Lets bytes through at a given speed at most, however many senders there are. */
export class Pace {
  readonly #bytesPerMs: number;
  #nextAt = 0;

  /** Makes a pace of so many bytes per second. */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** The size of the pieces that are let through, in bytes. */
  get pieceBytes(): number {
    return Math.max(1, Math.floor(this.#bytesPerMs * burstMs));
  }

  /**
   * Waits for the turn of a piece of `bytes` bytes. Time that was lost is not made up for, since that would be a burst.
   *
   * @throws What `signal` was aborted with.
   */
  async turn(bytes: number, signal: AbortSignal): Promise<void> {
    const startAt = Math.max(performance.now(), this.#nextAt);
    this.#nextAt = startAt + bytes / this.#bytesPerMs;
    for (let leftMs = startAt - performance.now(); leftMs > 0; leftMs = startAt - performance.now()) {
      await pause(Math.min(Math.ceil(leftMs), longestPauseMs), signal);
      signal.throwIfAborted();
    }
  }
}

/** Bytes in pieces of a size; all of them in one without it. */
export function* piecesOf(bytes: Uint8Array, pieceBytes: number = bytes.length): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
}
