import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ExporterEvent, ExporterObserver } from "../exporter_event.ts";

/** Makes a span of each call, stream, file and hook when it has ended. Without OpenTelemetry it comes to nothing. */
export function spanWriter(): ExporterObserver {
  const tracer = trace.getTracer("jumpstarter");
  return (event: ExporterEvent) => {
    if (event.kind === "useEnded") {
      const { use: { kind, driver, method, identity, address, isHook, since }, code } = event;
      const span = tracer.startSpan(`${driver}.${method || "file"}`, {
        kind: SpanKind.SERVER,
        startTime: since,
        root: true,
        attributes: {
          "jumpstarter.driver": driver,
          "jumpstarter.method": method,
          "jumpstarter.kind": kind,
          "jumpstarter.code": code,
          "jumpstarter.hook": isHook,
          "client.address": address,
          ...(identity === undefined ? {} : { "enduser.id": identity }),
        },
      });
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
