import { isHookLine, type LogRecord } from "../log.ts";

/** How many lines a client that joins late still gets, of each kind; the hooks' are kept as a whole where it can be. */
const keptLines = { hook: 20_000, other: 1_000 };

/** How far a subscriber may fall behind before it loses its oldest lines. */
const maxBacklog = 50_000;

/** Hands every log line to every subscriber, and the recent ones to those that come late. */
export class LogFeed {
  readonly #hookLines = new RecentLines(keptLines.hook);
  readonly #otherLines = new RecentLines(keptLines.other);
  readonly #subscribers = new Set<Subscriber>();
  #sequence = 0;

  /** Takes a record; a {@linkcode LogSink}. */
  readonly push = (record: LogRecord): void => {
    const line = { record, sequence: this.#sequence++ };
    (isHookLine(record) ? this.#hookLines : this.#otherLines).push(line);
    for (const subscriber of this.#subscribers) subscriber.push(record);
  };

  /** Forgets the last session's hook lines: the next client is to see its own only. */
  forgetHookLines(): void {
    this.#hookLines.clear();
  }

  /** The recent lines, then every new one, until `signal` fires. */
  async *follow(signal: AbortSignal): AsyncGenerator<LogRecord> {
    const recent = [...this.#hookLines.lines(), ...this.#otherLines.lines()]
      .sort((a, b) => a.sequence - b.sequence)
      .map(({ record }) => record);
    const subscriber = new Subscriber(recent);
    this.#subscribers.add(subscriber);
    const wake = () => subscriber.wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const record = subscriber.shift();
        if (record === undefined) await subscriber.more();
        else yield record;
      }
      for (let record = subscriber.shift(); record !== undefined; record = subscriber.shift()) yield record;
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

/** The last `limit` lines. When some are gone a line in their place says how many. */
class RecentLines {
  readonly #limit: number;
  #lines: NumberedLine[] = [];
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(line: NumberedLine): void {
    this.#lines.push(line);
    if (this.#lines.length < 2 * this.#limit) return; // dropping in batches keeps a push cheap
    this.#dropped += this.#lines.length - this.#limit;
    this.#lines = this.#lines.slice(-this.#limit);
  }

  clear(): void {
    this.#lines = [];
    this.#dropped = 0;
  }

  lines(): NumberedLine[] {
    const kept = this.#lines.slice(-this.#limit);
    const dropped = this.#dropped + this.#lines.length - kept.length;
    const first = kept[0];
    if (dropped === 0 || first === undefined) return kept;
    return [{ record: droppedLine(first.record, dropped), sequence: first.sequence - 0.5 }, ...kept];
  }
}

/** One client's queue. */
class Subscriber {
  #queue: LogRecord[];
  #next = 0;
  #dropped = 0;
  #wake = () => {};

  constructor(recent: LogRecord[]) {
    this.#queue = recent;
  }

  push(record: LogRecord): void {
    this.#queue.push(record);
    if (this.#queue.length - this.#next > maxBacklog) {
      this.#advance();
      this.#dropped++;
    }
    this.#wake();
  }

  shift(): LogRecord | undefined {
    const record = this.#queue[this.#next];
    if (record === undefined) return undefined;
    if (this.#dropped > 0) {
      const line = droppedLine(record, this.#dropped);
      this.#dropped = 0;
      return line;
    }
    this.#advance();
    return record;
  }

  /** Steps over the oldest line, and lets go of those behind once in a while. */
  #advance(): void {
    this.#next++;
    if (this.#next <= 1_024 || this.#next * 2 <= this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#next);
    this.#next = 0;
  }

  more(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  wake(): void {
    this.#wake();
  }
}

function droppedLine(before: LogRecord, count: number): LogRecord {
  return { ...before, severity: "WARNING", message: `[${count} lines dropped]` };
}
