/**
 * The thin adapter between the wire and a session: messages in, messages out, nothing decided.
 */
import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { LogRecord, LogSource } from "../log.ts";
import {
  bindService,
  type BoundService,
  fileKind,
  fromValue,
  integrity,
  integrityKey,
  relayFrames,
  type ServerCall,
  toValue,
} from "../rpc/mod.ts";
import type { Resource } from "./resources.ts";
import type { Session } from "./session.ts";
import type { Use } from "./sharing.ts";

const logSources: Readonly<Record<LogSource, pb.LogSource>> = {
  system: pb.LogSource.SYSTEM,
  driver: pb.LogSource.DRIVER,
  beforeLease: pb.LogSource.BEFORE_LEASE_HOOK,
  afterLease: pb.LogSource.AFTER_LEASE_HOOK,
};

/** The services of an exporter. */
export function exporterServices(session: Session): BoundService[] {
  return [
    bindService(pb.ExporterService, {
      getReport: (_request, call) => session.report(call),
      async driverCall({ uuid, method, args }, call) {
        const result = await session.call(uuid, method, args.map(fromValue), call);
        return { uuid: crypto.randomUUID(), result: toResult(result) };
      },
      async *streamingDriverCall({ uuid, method, args }, call) {
        for await (const result of session.callStream(uuid, method, args.map(fromValue), call)) {
          yield { uuid: crypto.randomUUID(), result: toResult(result) };
        }
      },
      async *logStream(_request, call) {
        call.sendMetadata({ x_jmp_log_end: "1" }); // for clients of our own, see getStatus
        for await (const record of session.logs(call)) yield toLogMessage(record);
      },
      reset() {
        throw new JumpstarterError("unimplemented", "Reset is not part of direct mode");
      },
      getStatus(_request, call) {
        // The answer would overtake lines that wait for room, so a client that wants all of them waits for their end.
        if (call.metadata("x-jmp-end-logs") !== undefined) session.endLogs(call);
        const { status, message, version, previous } = session.status(call);
        return { status, message, statusVersion: version, previousStatus: previous };
      },
      async endSession(_request, call) {
        return { success: true, message: await session.endSession(call) };
      },
    }),
    bindService(pb.RouterService, {
      async *stream(requests, call) {
        const request = parseStreamRequest(call);
        using _noted = session.note(request.uuid, request.kind === "driver" ? request.method : "file", call);
        if (request.kind === "resource") {
          using resource = await session.openResource(request.uuid, request.encoding, call);
          call.sendMetadata(resourceMetadata(resource));
          const kind = fileKind(call.metadata(integrityKey));
          try {
            yield* counted(
              resource,
              requests,
              (frames) => relayFrames(frames, resource.stream, resource.signal, kind),
            );
          } catch (error) {
            throw resource.failed(error);
          }
        } else {
          using opened = await session.openStream(request.uuid, request.method, call);
          call.sendMetadata({});
          try {
            const { stream, signal, onStuck } = opened;
            yield* counted(
              opened,
              requests,
              (frames) => relayFrames(frames, stream, signal, "conversation", { onStuck }),
            );
          } catch (error) {
            throw opened.failed(error);
          }
        }
      },
    }),
  ];
}

/** Relays with the bytes noted that go either way. */
async function* counted<In extends { payload: Uint8Array }, Out extends { payload?: Uint8Array }>(
  use: Pick<Use, "moved">,
  requests: AsyncIterable<In>,
  relay: (requests: AsyncIterable<In>) => AsyncIterable<Out>,
): AsyncGenerator<Out> {
  const received = async function* () {
    for await (const frame of requests) {
      use.moved({ fromClient: frame.payload.length });
      yield frame;
    }
  };
  for await (const frame of relay(received())) {
    use.moved({ toClient: frame.payload?.length ?? 0 });
    yield frame;
  }
}

/** What a client is told of the stream that it has opened. */
function resourceMetadata({ handle, acceptedEncoding }: Resource): Record<string, string> {
  const resource = JSON.stringify(handle);
  const accepted: Record<string, string> = acceptedEncoding === undefined
    ? {}
    : { x_jmp_accept_encoding: acceptedEncoding };
  return { resource, ...accepted, [integrityKey]: integrity };
}

/** An argument that is no JSON value is its caller's fault; a result that is none is its driver's. */
function toResult(result: Json): pb.Value {
  try {
    return toValue(result);
  } catch (cause) {
    throw new JumpstarterError("driver", "The driver answered with what is no JSON value", { cause });
  }
}

function toLogMessage({ time, severity, message, source, driverType, operation, fields }: LogRecord) {
  return {
    uuid: crypto.randomUUID(),
    severity,
    message,
    source: logSources[source],
    driverType,
    operation,
    timestamp: pb.timestampFromDate(time),
    structuredFields: { ...fields },
  };
}

type StreamTarget =
  | { kind: "driver"; uuid: string; method: string }
  | { kind: "resource"; uuid: string; encoding: string | null };

/** What a raw stream is asked for, from its one metadata entry. */
function parseStreamRequest(call: ServerCall): StreamTarget {
  const { kind, uuid, method, x_jmp_content_encoding: encoding } = parseJson(call.metadata("request"));
  if (kind === "driver" && typeof uuid === "string" && typeof method === "string") return { kind, uuid, method };
  if (kind === "resource" && typeof uuid === "string") {
    return { kind, uuid, encoding: typeof encoding === "string" ? encoding : null };
  }
  throw new JumpstarterError(
    "invalid_argument",
    'A raw stream needs the metadata entry "request" with {"kind":"driver","uuid":…,"method":…} or {"kind":"resource","uuid":…}',
  );
}

function parseJson(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
