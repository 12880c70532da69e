import * as pb from "../../proto/mod.ts";
import { type LogRecord, type LogSource, severities, type Severity } from "../log.ts";
import type { Channel } from "../rpc/mod.ts";

const sources: ReadonlyMap<pb.LogSource | undefined, LogSource> = new Map<pb.LogSource | undefined, LogSource>([
  [pb.LogSource.DRIVER, "driver"],
  [pb.LogSource.BEFORE_LEASE_HOOK, "beforeLease"],
  [pb.LogSource.AFTER_LEASE_HOOK, "afterLease"],
]);

/** An exporter's log lines, the recent ones first, until the loop is left or `signal` fires. */
export async function* followLogs(channel: Channel, signal?: AbortSignal): AsyncGenerator<LogRecord> {
  for await (const line of channel.serverStream(pb.ExporterService.method.logStream, {}, { signal })) {
    yield {
      time: line.timestamp === undefined ? new Date() : pb.timestampDate(line.timestamp),
      severity: parseSeverity(line.severity),
      message: line.message,
      source: sources.get(line.source) ?? "system",
      driverType: line.driverType,
      operation: line.operation,
      fields: line.structuredFields,
    };
  }
}

function parseSeverity(text: string): Severity {
  return severities.find((severity) => severity === text.toUpperCase()) ?? "INFO";
}
