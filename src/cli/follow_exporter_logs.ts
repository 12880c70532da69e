import { followLogs } from "../client/mod.ts";
import { ExporterService } from "../../proto/mod.ts";
import type { LogRecord, LogSink, Severity } from "../log.ts";
import type { Channel } from "../rpc/mod.ts";
import { formatHookLine, terminalLog, writeErr } from "./output.ts";

/** The log lines of an exporter on stderr. */
export interface ExporterLog {
  /** Shows a line, if it is one to be shown. */
  readonly sink: LogSink;
  /** The last lines of the hooks, oldest first. */
  readonly lastHookLines: readonly string[];
}

/** How long the exporter has to show that no line is under way any more. */
const drainLimitMs = 1_000;

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

/** Hands the lines of an exporter elsewhere to `sink`, until disposed of. */
export function followExporterLogs(channel: Channel, sink: LogSink): AsyncDisposable {
  const stop = new AbortController();
  const follow = async () => {
    for await (const record of followLogs(channel, stop.signal)) sink(record);
  };
  // A log that cannot be followed is no reason to stop: the calls that matter say what is wrong by themselves.
  let hasEnded = false;
  const followed = follow().catch(() => {}).finally(() => hasEnded = true);
  return {
    async [Symbol.asyncDispose]() {
      // An answer to this comes after every line that was written before it.
      if (!hasEnded) {
        await channel.unary(ExporterService.method.getStatus, {}, { timeoutMs: drainLimitMs }).catch(() => {});
      }
      stop.abort();
      await followed;
    },
  };
}
