import { LineSplitter } from "./line_splitter.ts";

/** How many of the last lines are kept for the outcome. */
const keptLines = 20;
/** How often {@linkcode OutputReader.drain} looks whether anything came. */
const drainTickMs = 25;
/** After this many looks without output the pipes count as drained: 250 ms. */
const quietTicks = 10;
/** After this many looks reading stops in any case: 2 s. */
const maxDrainTicks = 80;

/**
 * Reads the pipes of a child and hands over their lines in the order in which they are read.
 *
 * Each pipe has its own splitter, so that a line of one is never cut in two by a line of the other.
 */
export class OutputReader implements AsyncDisposable {
  readonly #onLine: (line: string) => void;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[];
  readonly #closed: Promise<unknown>;
  readonly #lastLines: string[] = [];
  #chunks = 0;

  /** Starts to read `pipes`, and calls `onLine` for each line. */
  constructor(pipes: readonly ReadableStream<Uint8Array>[], onLine: (line: string) => void) {
    this.#onLine = onLine;
    this.#readers = pipes.map((pipe) => pipe.getReader());
    this.#closed = Promise.all(this.#readers.map((reader) => this.#read(reader)));
    // Whoever waits for `failure` or `drain` gets the error; until then it must not count as unhandled.
    this.#closed.catch(() => {});
  }

  /** Never resolves; rejects when `onLine` threw or a pipe cannot be read. */
  get failure(): Promise<never> {
    return this.#closed.then(() => new Promise<never>(() => {}));
  }

  /** The last lines so far, oldest first. */
  get lastLines(): readonly string[] {
    return [...this.#lastLines];
  }

  /**
   * Reads what is left in the pipes once the script has ended, then lets go of them.
   *
   * A pipe reports its end only when every program that inherited it has closed it, and a daemon that the script
   * left behind may never do so. What the script itself wrote is in the pipe already, so it is enough to read
   * until the pipes are quiet. Time is counted in turns of the event loop and not by the clock: when this program
   * was stalled, output that waited meanwhile is read before the next turn is counted, and nothing is lost.
   */
  async drain(): Promise<void> {
    let quiet = 0;
    for (let tick = 0; tick < maxDrainTicks && quiet < quietTicks; tick++) {
      const before = this.#chunks;
      if (await this.#isClosedWithin(drainTickMs)) return;
      quiet = this.#chunks === before ? quiet + 1 : 0;
    }
    await this.#letGo();
    await this.#closed;
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#letGo();
    await this.#closed.catch(() => {/* told by `failure` or by `drain` */});
  }

  async #letGo(): Promise<void> {
    await Promise.allSettled(this.#readers.map((reader) => reader.cancel()));
  }

  async #isClosedWithin(timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    try {
      return await Promise.race([this.#closed.then(() => true), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const splitter = new LineSplitter((line) => this.#deliver(line));
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      this.#chunks++;
      splitter.push(next.value);
    }
    splitter.end();
  }

  #deliver(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > keptLines) this.#lastLines.shift();
    this.#onLine(line);
  }
}
