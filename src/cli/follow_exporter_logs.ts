import { endLogs, followLogs } from "../client/mod.ts";
import { ExporterService } from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { isHookLine, type LogRecord, type LogSink, type Severity } from "../log.ts";
import type { Channel } from "../rpc/mod.ts";
import { formatHookLine, isShownHookLine, terminalLog, writeUnasked } from "./output.ts";
import { pause } from "../pause.ts";

/** The log lines of an exporter on stderr. */
export interface ExporterLog {
  /** Shows a line, if it is one to be shown. */
  readonly sink: LogSink;
  /** The last lines of the hooks, oldest first. */
  readonly lastHookLines: readonly string[];
}

/** How long the exporter may take for the next line, or for the end, once it is asked to end its log. */
const drainLimitMs = 5_000;

/** The pause before an exporter that is gone is looked for again. */
const againAfterMs = 500;

/** What is shown of a log. */
export interface ShownLog {
  /** The least severity of the lines that are no hook's; none of them is shown without it. */
  readonly least?: Severity;
  /** Whether this program runs in a hook, where what it shows becomes a line of that hook. */
  readonly isInHook: boolean;
}

/** Shows the lines of an exporter's hooks, and others as far as they are asked for. */
export function showExporterLog({ least, isInHook }: ShownLog): ExporterLog {
  const lastHookLines: string[] = [];
  const rest = least === undefined ? undefined : terminalLog(least, "text");
  const sink = (record: LogRecord) => {
    if (!isHookLine(record)) return rest?.(record);
    // It may come from this very program; shown again, it would come back, longer, without end.
    if (isInHook && isShownHookLine(record)) return;
    lastHookLines.push(record.message);
    if (lastHookLines.length > 20) lastHookLines.shift();
    writeUnasked(formatHookLine(record));
  };
  return { sink, lastHookLines };
}

/**
 * Hands the lines of an exporter elsewhere to `sink`, until disposed of. When the exporter goes it says so, and goes on
 * with the one that comes back.
 *
 * @param where The exporter's address, for people.
 */
export function followExporterLogs(channel: Channel, where: string, sink: LogSink): AsyncDisposable {
  const stop = new AbortController();
  const stream = new LogStream(channel, sink, stop.signal);
  const followed = followAll(stream, where, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      if (!channel.wasLost) await stream.drained();
      stop.abort();
      await followed;
    },
  };
}

/** The log of an exporter, over one connection at a time. */
class LogStream {
  readonly #channel: Channel;
  readonly #sink: LogSink;
  readonly #signal: AbortSignal;
  #isEndable = false;
  /** Lines that have come so far. */
  #lines = 0;
  #ended = Promise.withResolvers<void>();

  constructor(channel: Channel, sink: LogSink, signal: AbortSignal) {
    this.#channel = channel;
    this.#sink = sink;
    this.#signal = signal;
  }

  /** Follows over one connection; `connected` is told when there is one. */
  async follow(connected: () => void): Promise<void> {
    await this.#channel.unary(ExporterService.method.getStatus, {}, { signal: this.#signal });
    connected();
    this.#ended = Promise.withResolvers();
    const onOpen = (isEndable: boolean) => this.#isEndable = isEndable;
    try {
      for await (const record of followLogs(this.#channel, { signal: this.#signal, onOpen })) {
        this.#lines++;
        this.#sink(record);
      }
    } finally {
      this.#isEndable = false;
      this.#ended.resolve();
    }
  }

  /** Waits for every line that was written before, for as long as lines keep coming. */
  async drained(): Promise<void> {
    const { promise } = this.#ended;
    await endLogs(this.#channel, drainLimitMs).catch(() => {/* then what comes is waited for, if anything does */});
    for (let seen = -1; this.#isEndable && seen < this.#lines;) {
      seen = this.#lines;
      const over = new AbortController();
      await Promise.race([promise, pause(drainLimitMs, over.signal)]);
      over.abort();
    }
  }
}

/** A log that cannot be followed is no reason to stop: the calls that matter say what is wrong by themselves. */
async function followAll(stream: LogStream, where: string, signal: AbortSignal): Promise<void> {
  let isLost = false;
  const comeBack = () => {
    if (isLost) writeUnasked("Reconnected\n");
    isLost = false;
  };
  while (true) {
    let error: unknown;
    try {
      await stream.follow(comeBack);
    } catch (reason) {
      error = reason;
    }
    if (error !== undefined && !isConnectionLost(error)) return;
    await pause(againAfterMs, signal);
    if (signal.aborted) return; // a command that ended with its exporter has told so by itself
    if (error !== undefined && !isLost) writeUnasked(`Reconnecting to ${where}\n`);
    isLost ||= error !== undefined;
  }
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof JumpstarterError && error.code === "connection_lost";
}
