import { followLogs } from "../client/mod.ts";
import { ExporterService } from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { LogRecord, LogSink, Severity } from "../log.ts";
import type { Channel } from "../rpc/mod.ts";
import { formatHookLine, terminalLog, writeErr } from "./output.ts";
import { pause } from "../pause.ts";

/** The log lines of an exporter on stderr. */
export interface ExporterLog {
  /** Shows a line, if it is one to be shown. */
  readonly sink: LogSink;
  /** The last lines of the hooks, oldest first. */
  readonly lastHookLines: readonly string[];
}

/** How long the exporter has to show that no line is under way any more. */
const drainLimitMs = 1_000;

/** The pause before an exporter that is gone is looked for again. */
const againAfterMs = 500;

/** Shows the lines of an exporter's hooks, and of its other lines those of at least `least`; none without it. */
export function showExporterLog({ least }: { least?: Severity }): ExporterLog {
  const lastHookLines: string[] = [];
  const rest = least === undefined ? undefined : terminalLog(least, "text");
  const sink = (record: LogRecord) => {
    if (record.source !== "beforeLease" && record.source !== "afterLease") return rest?.(record);
    lastHookLines.push(record.message);
    if (lastHookLines.length > 20) lastHookLines.shift();
    writeErr(formatHookLine(record));
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
  const followed = followAll(channel, where, sink, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      // An answer to this comes after every line that was written before it.
      if (!channel.wasLost) {
        await channel.unary(ExporterService.method.getStatus, {}, { timeoutMs: drainLimitMs }).catch(() => {});
      }
      stop.abort();
      await followed;
    },
  };
}

/** A log that cannot be followed is no reason to stop: the calls that matter say what is wrong by themselves. */
async function followAll(channel: Channel, where: string, sink: LogSink, signal: AbortSignal): Promise<void> {
  let isLost = false;
  const comeBack = () => {
    if (isLost) writeErr("Reconnected\n");
    isLost = false;
  };
  while (true) {
    let error: unknown;
    try {
      await followOnce(channel, sink, signal, comeBack);
    } catch (reason) {
      error = reason;
    }
    if (error !== undefined && !isConnectionLost(error)) return;
    await pause(againAfterMs, signal);
    if (signal.aborted) return; // a command that ended with its exporter has told so by itself
    if (error !== undefined && !isLost) writeErr(`Reconnecting to ${where}\n`);
    isLost ||= error !== undefined;
  }
}

/** Follows over one connection; `connected` is told when there is one. */
async function followOnce(channel: Channel, sink: LogSink, signal: AbortSignal, connected: () => void): Promise<void> {
  await channel.unary(ExporterService.method.getStatus, {}, { signal });
  connected();
  for await (const record of followLogs(channel, signal)) sink(record);
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof JumpstarterError && error.code === "connection_lost";
}
