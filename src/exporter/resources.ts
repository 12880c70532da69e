/**
 * Files on their way between clients and drivers: a client opens a raw stream, is given a handle for it, and passes
 * the handle to a driver's method, which reads or writes the stream.
 */
import { DriverError } from "../errors.ts";
import type { FrameStream } from "../rpc/mod.ts";
import { openRemoteSink, openRemoteSource, parseFileUrl, type RemoteRequest } from "../remote_file.ts";

/** A stream that a client has opened for one of a driver's methods. */
export interface Resource extends Disposable {
  /** What the client passes as the argument. */
  readonly handle: { kind: "client_stream"; uuid: string; x_jmp_content_encoding: string | null };
  /** The end that the client's frames are relayed to and from. */
  readonly stream: FrameStream;
}

/** Where a driver's method gets and puts the files that its arguments stand for. */
export interface FileAccess {
  openSource(handle: unknown, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  openSink(handle: unknown, signal: AbortSignal): Promise<WritableStream<Uint8Array>>;
}

/** The driver's end of a resource, until a method takes it. */
interface Waiting {
  readonly driverUuid: string;
  readonly peer: string;
  readonly source: ReadableStream<Uint8Array>;
  readonly sink: WritableStream<Uint8Array>;
}

/** The streams that clients have opened and no method has taken yet. */
export class ResourceTable {
  readonly #waiting = new Map<string, Waiting>();

  /** Opens a resource for one driver and one client; it is freed when disposed of, taken or not. */
  open(driverUuid: string, peer: string, encoding: string | null): Resource {
    const uuid = crypto.randomUUID();
    const upload = new TransformStream<Uint8Array, Uint8Array>();
    const download = new TransformStream<Uint8Array, Uint8Array>();
    this.#waiting.set(uuid, { driverUuid, peer, source: upload.readable, sink: download.writable });
    return {
      handle: { kind: "client_stream", uuid, x_jmp_content_encoding: encoding },
      stream: { readable: download.readable, writable: upload.writable },
      [Symbol.dispose]: () => void this.#waiting.delete(uuid),
    };
  }

  /** How many are waiting to be taken. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The files that a call by `peer` to one driver may take. */
  accessFor(driverUuid: string, peer: string): FileAccess {
    const take = (handle: unknown) => this.#take(handle, driverUuid, peer);
    return {
      async openSource(handle, signal) {
        const remote = parseRemote(handle, "GET");
        if (remote !== undefined) return (await openRemoteSource(remote, { signal })).bytes;
        const { source, sink } = take(handle);
        return source.pipeThrough(endingWith(sink), { signal });
      },
      async openSink(handle, signal) {
        const remote = parseRemote(handle, "PUT");
        if (remote !== undefined) return openRemoteSink(remote, { signal });
        const { source, sink } = await Promise.resolve(take(handle));
        // Nobody reads what the client sends; taking it keeps its side of the stream whole.
        source.pipeTo(new WritableStream()).catch(() => {/* a broken stream shows on the sink */});
        signal.addEventListener("abort", () => void sink.abort(signal.reason).catch(() => {}), { once: true });
        return sink;
      },
    };
  }

  #take(handle: unknown, driverUuid: string, peer: string): Waiting {
    const uuid = (handle as { uuid?: unknown } | null | undefined)?.uuid;
    const waiting = typeof uuid === "string" ? this.#waiting.get(uuid.toLowerCase()) : undefined;
    if (typeof uuid !== "string" || waiting === undefined) {
      throw new DriverError("invalid_argument", "The argument stands for no open file", {
        hint: "open a resource stream first; each can be used once",
      });
    }
    if (waiting.driverUuid !== driverUuid || waiting.peer !== peer) {
      throw new DriverError("invalid_argument", "The file was opened for another driver or by another client");
    }
    this.#waiting.delete(uuid.toLowerCase());
    return waiting;
  }
}

/** Passes bytes on; when the reader is done, in whichever way, so is the direction back to the client. */
function endingWith(sink: WritableStream<Uint8Array>): TransformStream<Uint8Array, Uint8Array> {
  const close = () => sink.close().catch(() => {/* the client has gone already */});
  return new TransformStream<Uint8Array, Uint8Array>({
    flush: () => void close(),
    cancel: () => void close(),
  });
}

function parseRemote(handle: unknown, method: "GET" | "PUT"): RemoteRequest | undefined {
  const { kind, url, headers, method: asked } = (handle ?? {}) as Record<string, unknown>;
  if (kind !== "presigned_request") return undefined;
  if (asked !== method) {
    throw new DriverError("invalid_argument", `This method needs a request of the kind ${method}, not ${asked}`);
  }
  const parsed = parseFileUrl(url);
  if (parsed === undefined) {
    throw new DriverError("invalid_argument", "The file's URL must begin with https:// or http://");
  }
  return { url: parsed, method, headers: { ...(headers as Record<string, string> | undefined) } };
}
