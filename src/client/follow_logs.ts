import * as pb from "../../proto/mod.ts";
import { type LogRecord, type LogSource, severities, type Severity } from "../log.ts";
import type { Channel } from "../rpc/mod.ts";

const sources: ReadonlyMap<pb.LogSource | undefined, LogSource> = new Map<pb.LogSource | undefined, LogSource>([
  [pb.LogSource.DRIVER, "driver"],
  [pb.LogSource.BEFORE_LEASE_HOOK, "beforeLease"],
  [pb.LogSource.AFTER_LEASE_HOOK, "afterLease"],
]);

/** The entry by which an exporter of this kind says that it ends its log stream when it is asked to. */
const endableKey = "x_jmp_log_end";
/** The entry by which it is asked. */
const endKey = "x-jmp-end-logs";

/** How to follow the log of an exporter. */
export interface FollowOptions {
  /** Gives up when it fires: lines that are under way are lost. */
  signal?: AbortSignal;
  /** Told, once the stream is open, whether {@linkcode endLogs} can end it. */
  onOpen?: (isEndable: boolean) => void;
}

/** An exporter's log lines, the recent ones first, until the loop is left, `signal` fires or they are ended. */
export async function* followLogs(
  channel: Channel,
  { signal, onOpen }: FollowOptions = {},
): AsyncGenerator<LogRecord> {
  const call = channel.duplex(pb.ExporterService.method.logStream, {}, { signal });
  call.metadata().then((metadata) => onOpen?.(endableKey in metadata), () => {/* the loop tells why */});
  try {
    call.sendOnly({});
    for await (const line of call.messages()) {
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
  } finally {
    call.cancel();
  }
}

/**
 * Asks the exporter to end the log streams of this connection once all lines up to now are sent. One that cannot sends
 * those lines before it answers, if its reader is not slow.
 */
export async function endLogs(channel: Channel, timeoutMs: number): Promise<void> {
  const call = channel.duplex(pb.ExporterService.method.getStatus, { [endKey]: "1" }, { timeoutMs });
  call.sendOnly({});
  while (await call.receive() !== undefined);
}

function parseSeverity(text: string): Severity {
  return severities.find((severity) => severity === text.toUpperCase()) ?? "INFO";
}
