import { isHookLine, type LogRecord } from "../log.ts";

/** How much a queue holds at most. */
interface QueueBounds {
  readonly lines: number;
  /** Of the lines' texts, in UTF-16 units. */
  readonly chars: number;
}

const mebi = 1024 * 1024;

/** What a client that joins late still gets, of each kind; the hooks' lines are kept as a whole where it can be. */
const kept = { hook: { lines: 20_000, chars: 8 * mebi }, other: { lines: 1_000, chars: mebi } };

/** How far a subscriber may fall behind before it loses its oldest lines. */
const mostBehind: QueueBounds = { lines: 50_000, chars: 16 * mebi };

/** Hands every log line to every subscriber, and the recent ones to those that come late. */
export class LogFeed {
  #hookLines = new LineQueue(kept.hook);
  readonly #otherLines = new LineQueue(kept.other);
  readonly #subscribers = new Set<Subscriber>();
  #sequence = 0;

  /** Takes a record; a {@linkcode LogSink}. */
  readonly push = (record: LogRecord): void => {
    const line = { record, sequence: this.#sequence++ };
    (isHookLine(record) ? this.#hookLines : this.#otherLines).push(line);
    for (const subscriber of this.#subscribers) subscriber.push(line);
  };

  /** Forgets the last session's hook lines: the next client is to see its own only. */
  forgetHookLines(): void {
    this.#hookLines = new LineQueue(kept.hook);
  }

  /** The recent lines, then every new one, until `signal` fires. */
  async *follow(signal: AbortSignal): AsyncGenerator<LogRecord> {
    const recent = [...this.#hookLines.lines(), ...this.#otherLines.lines()].sort((a, b) => a.sequence - b.sequence);
    const subscriber = new Subscriber(recent);
    this.#subscribers.add(subscriber);
    const wake = () => subscriber.wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const line = subscriber.shift();
        if (line === undefined) await subscriber.more();
        else yield line.record;
      }
      for (let line = subscriber.shift(); line !== undefined; line = subscriber.shift()) yield line.record;
    } finally {
      signal.removeEventListener("abort", wake);
      this.#subscribers.delete(subscriber);
    }
  }
}

interface NumberedLine {
  readonly record: LogRecord;
  readonly sequence: number;
}

/** The newest lines, within bounds. Where older ones were dropped, a line in their place says how many. */
class LineQueue {
  readonly #bounds: QueueBounds;
  #lines: NumberedLine[] = [];
  /** The place of the oldest line: those before it are gone. */
  #oldest = 0;
  #chars = 0;
  #dropped = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** Takes a line; it stays, however long it is, until the next one comes. */
  push(line: NumberedLine): void {
    this.#lines.push(line);
    this.#chars += line.record.message.length;
    for (let count = this.#lines.length - this.#oldest; count > 1 && this.#isOver(count); count--) {
      this.#removeOldest();
      this.#dropped++;
    }
  }

  /** Takes out the first line. */
  shift(): NumberedLine | undefined {
    const line = this.#lines[this.#oldest];
    if (line === undefined) return undefined;
    if (this.#dropped > 0) {
      const marker = droppedLine(line, this.#dropped);
      this.#dropped = 0;
      return marker;
    }
    this.#removeOldest();
    return line;
  }

  /** All lines; they stay. */
  lines(): NumberedLine[] {
    const lines = this.#lines.slice(this.#oldest);
    const [first] = lines;
    return first === undefined || this.#dropped === 0 ? lines : [droppedLine(first, this.#dropped), ...lines];
  }

  #isOver(count: number): boolean {
    return count > this.#bounds.lines || this.#chars > this.#bounds.chars;
  }

  #removeOldest(): void {
    this.#chars -= this.#lines[this.#oldest++]?.record.message.length ?? 0;
    if (2 * this.#oldest < this.#lines.length) return; // making room in batches keeps this cheap
    this.#lines = this.#lines.slice(this.#oldest);
    this.#oldest = 0;
  }
}

/** One client's queue. */
class Subscriber {
  readonly #queue = new LineQueue(mostBehind);
  #wake = () => {};

  constructor(recent: readonly NumberedLine[]) {
    for (const line of recent) this.#queue.push(line);
  }

  push(line: NumberedLine): void {
    this.#queue.push(line);
    this.#wake();
  }

  shift(): NumberedLine | undefined {
    return this.#queue.shift();
  }

  more(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  wake(): void {
    this.#wake();
  }
}

function droppedLine({ record, sequence }: NumberedLine, count: number): NumberedLine {
  return {
    record: { ...record, severity: "WARNING", message: `[${count} lines dropped]` },
    sequence: sequence - 0.5,
  };
}
