import {
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { ExporterEvent, ExporterObserver } from "../exporter_event.ts";

/**
 * Makes a span of each call, stream, file and hook when it has ended, beneath the client's own where it names one.
 * Without OpenTelemetry it comes to nothing.
 */
export function spanWriter(): ExporterObserver {
  const tracer = trace.getTracer("jumpstarter");
  return (event: ExporterEvent) => {
    if (event.kind === "useEnded") {
      const { use: { kind, driver, method, identity, address, isHook, traceParent = "", since }, code } = event;
      const parent = parseTraceParent(traceParent);
      const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
      const options = {
        kind: SpanKind.SERVER,
        startTime: since,
        attributes: {
          "jumpstarter.driver": driver,
          "jumpstarter.method": method,
          "jumpstarter.kind": kind,
          "jumpstarter.code": code,
          "jumpstarter.hook": isHook,
          "client.address": address,
          ...(identity === undefined ? {} : { "enduser.id": identity }),
        },
      };
      const span = tracer.startSpan(`${driver}.${method || "file"}`, options, context);
      if (code !== "ok" && code !== "cancelled") span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      span.end(new Date());
    }
    if (event.kind === "hookEnded") {
      const { hook, result, durationMs } = event;
      const span = tracer.startSpan(`hook ${hook}`, {
        startTime: new Date(Date.now() - durationMs),
        root: true,
        attributes: { "jumpstarter.hook.result": result },
      });
      if (result !== "ok") span.setStatus({ code: SpanStatusCode.ERROR, message: result });
      span.end(new Date());
    }
  };
}

/** Versions to come begin in the same way, and may go on. */
const traceParentPattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** The span that a W3C `traceparent` names; nothing where it is none. */
function parseTraceParent(text: string): SpanContext | undefined {
  const [whole, version, traceId = "", spanId = "", flags = ""] = traceParentPattern.exec(text) ?? [];
  if (version === "00" && whole !== text) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}
