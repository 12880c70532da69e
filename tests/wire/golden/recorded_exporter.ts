/** An exporter that answers with the recorded bytes, and knows nothing but what was asked when they were recorded. */
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { conversation, isSameMessage, methodOf, type RecordedCall, unframe } from "./recorded.ts";

/** A call that a client has made, and what it sent. */
export interface AskedCall {
  readonly recorded: RecordedCall;
  /** The messages, as bytes. */
  readonly sent: readonly Uint8Array[];
}

/** A running exporter. */
export interface RecordedExporter extends AsyncDisposable {
  readonly port: number;
  /** What was asked so far, and is in the recording. */
  readonly asked: readonly AskedCall[];
  /** What was asked so far, and is not. */
  readonly strange: readonly string[];
}

type BytesCall = ServerDuplexStream<Uint8Array, Uint8Array>;

/** A gRPC service of methods whose messages stay bytes. */
const bytesService = Object.fromEntries(
  [...new Set(conversation.map(({ method }) => method))].map((path) => [path, {
    path,
    requestStream: true as const,
    responseStream: true as const,
    requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
    requestDeserialize: (bytes: Uint8Array) => bytes,
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
    responseDeserialize: (bytes: Uint8Array) => bytes,
  }]),
);

/** Serves the recording on a port of the loopback. */
export async function serveRecording(): Promise<RecordedExporter> {
  const asked: AskedCall[] = [], strange: string[] = [];
  const server = new Server();
  const handlers = Object.keys(bytesService).map((path) => [path, (call: BytesCall) => {
    const sent: Uint8Array[] = [];
    const answer = () => {
      const recorded = conversation.find((recorded) =>
        recorded.method === path && isSame(recorded, call.metadata, sent) &&
        !asked.some((one) => one.recorded === recorded)
      );
      if (recorded === undefined) {
        strange.push(`${path} ${sent.map((bytes) => bytes.toHex())} ${JSON.stringify(call.metadata.getMap())}`);
        return call.emit("error", { code: status.INTERNAL, details: "not in the recording" });
      }
      asked.push({ recorded, sent });
      replay(call, recorded);
    };
    call.on("data", (bytes: Uint8Array) => sent.push(bytes));
    if (call.metadata.get("request").length > 0) answer(); // a raw stream is answered before anything is sent
    else call.once("end", answer);
  }]);
  server.addService(bytesService, Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, port) => error ? reject(error) : resolve(port),
    )
  );
  return {
    port,
    asked,
    strange,
    [Symbol.asyncDispose]() {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

/** Whether a client has asked what was recorded: in the same bytes, or for the same raw stream. */
function isSame({ method, up, metadata }: RecordedCall, actual: Metadata, sent: readonly Uint8Array[]): boolean {
  const passphrase = "x-jumpstarter-passphrase";
  if (actual.get(passphrase)[0] !== metadata[passphrase]) return false;
  const request = actual.get("request")[0];
  const schema = methodOf(method)?.input;
  if (schema === undefined) return false;
  const expected = unframe(up);
  const isExpected = (bytes: Uint8Array, index: number) => {
    const other = expected[index];
    return other !== undefined && isSameMessage(schema, bytes, other);
  };
  if (request === undefined) return sent.length === expected.length && sent.every(isExpected);
  // More than the peer asks for may stand in it.
  const wanted = Object.entries(JSON.parse(metadata.request ?? "{}") as Record<string, unknown>);
  const given = JSON.parse(String(request)) as Record<string, unknown>;
  return wanted.every(([key, value]) => (given[key] ?? null) === value);
}

function replay(call: BytesCall, recorded: RecordedCall): void {
  call.sendMetadata(toMetadata(recorded.initial ?? {}));
  for (const bytes of unframe(recorded.down)) call.write(bytes);
  if (recorded.status === "OK") call.end();
  // What the client cancelled stays open until it does so again.
  else if (recorded.status in status) {
    const code = status[recorded.status as keyof typeof status];
    call.emit("error", { code, details: recorded.details, metadata: toMetadata(recorded.trailing ?? {}) });
  }
}

function toMetadata(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}
