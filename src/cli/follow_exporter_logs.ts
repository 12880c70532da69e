import { followLogs } from "../client/mod.ts";
import { ExporterService } from "../../proto/mod.ts";
import type { Severity } from "../log.ts";
import type { Channel } from "../rpc/mod.ts";
import { formatHookLine, terminalLog, writeErr } from "./output.ts";

/** The exporter's log lines on stderr, until disposed of. */
export interface ExporterLogs extends AsyncDisposable {
  /** The last lines of the hooks, oldest first. */
  readonly lastHookLines: readonly string[];
}

/** How long the exporter has to show that no line is under way any more. */
const drainLimitMs = 1_000;

/** Shows the lines of an exporter's hooks, and of its other lines those of at least `least`; none without it. */
export function followExporterLogs(channel: Channel, { least }: { least?: Severity }): ExporterLogs {
  const stop = new AbortController();
  const lastHookLines: string[] = [];
  const rest = least === undefined ? undefined : terminalLog(least, "text");
  const show = async () => {
    for await (const record of followLogs(channel, stop.signal)) {
      const isHook = record.source === "beforeLease" || record.source === "afterLease";
      if (isHook) {
        lastHookLines.push(record.message);
        if (lastHookLines.length > 20) lastHookLines.shift();
      }
      if (isHook) writeErr(formatHookLine(record));
      else rest?.(record);
    }
  };
  // A log that cannot be followed is no reason to stop: the calls that matter say what is wrong by themselves.
  const shown = show().catch(() => {});
  return {
    lastHookLines,
    async [Symbol.asyncDispose]() {
      // An answer to this comes after every line that was written before it.
      await channel.unary(ExporterService.method.getStatus, {}, { timeoutMs: drainLimitMs }).catch(() => {});
      stop.abort();
      await shown;
    },
  };
}
