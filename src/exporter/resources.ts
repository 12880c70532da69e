/**
 * Files on their way between clients and drivers: a client opens a raw stream, is given a handle for it, and passes
 * the handle to a driver's method, which reads or writes the stream.
 */
import { canDecode, canEncode, decode, encodeInto } from "../codec/mod.ts";
import { type Encoding, isEncoding } from "../encoding.ts";
import { DriverError, JumpstarterError } from "../errors.ts";
import { openRemoteSink, openRemoteSource, parseFileUrl, type RemoteRequest } from "../remote_file.ts";
import type { FrameStream } from "../rpc/mod.ts";

/** A stream that a client has opened for one of a driver's methods. */
export interface Resource extends Disposable {
  /** What the client passes as the argument. */
  readonly handle: { kind: "client_stream"; uuid: string; x_jmp_content_encoding: string | null };
  /** The encoding that is undone and made here, so that the driver sees plain bytes; nothing where the client does. */
  readonly acceptedEncoding: Encoding | undefined;
  /** The end that the client's frames are relayed to and from. */
  readonly stream: FrameStream;
}

/** Whose a file is: only calls to the same driver on the same connection may use it. */
export interface ResourceOwner {
  readonly driverUuid: string;
  /** Fires when the client goes; each connection has one of its own. */
  readonly connectionClosed: AbortSignal;
}

/** Where a driver's method gets and puts the files that its arguments stand for. */
export interface FileAccess {
  openSource(handle: unknown, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  openSink(handle: unknown, signal: AbortSignal): Promise<WritableStream<Uint8Array>>;
  /** Keeps the files among `args` from expiring, until it is disposed of: the call that uses them has come. */
  hold(args: readonly unknown[]): Disposable | undefined;
}

/** The driver's end of a resource, until a method takes it. */
interface Waiting extends ResourceOwner, Pick<Resource, "acceptedEncoding"> {
  readonly source: ReadableStream<Uint8Array>;
  readonly sink: WritableStream<Uint8Array>;
  /** Ends the resource when nobody has taken it in time. */
  timer: ReturnType<typeof setTimeout>;
  /** What `timer` does. */
  readonly expire: () => void;
}

/** How long a stream may wait for the call that uses it, in milliseconds, unless it is said. */
const defaultUnusedTimeoutMs = 300_000;

/** The streams that clients have opened and no method has taken yet. */
export class ResourceTable {
  readonly #waiting = new Map<string, Waiting>();
  readonly #unusedTimeoutMs: number;

  /** Makes an empty table. `unusedTimeoutMs`: how long a stream may wait for the call that uses it. */
  constructor({ unusedTimeoutMs = defaultUnusedTimeoutMs }: { unusedTimeoutMs?: number } = {}) {
    this.#unusedTimeoutMs = unusedTimeoutMs;
  }

  /**
   * Opens a resource; it is freed when disposed of, taken or not, and errs when nobody takes it in time.
   *
   * @param encoding How the client would like to have the bytes travel.
   */
  async open(owner: ResourceOwner, encoding: string | null): Promise<Resource> {
    const acceptedEncoding = isEncoding(encoding) && await canHandle(encoding) ? encoding : undefined;
    const uuid = crypto.randomUUID();
    let upload: TransformStreamDefaultController<Uint8Array> | undefined;
    const { readable: source, writable } = new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => void (upload = controller),
    });
    const { readable, writable: sink } = new TransformStream<Uint8Array, Uint8Array>();
    const expire = () => {
      this.#waiting.delete(uuid);
      upload?.error(
        new JumpstarterError("timeout", `no call has used the file for ${this.#unusedTimeoutMs / 1_000} s`),
      );
    };
    const timer = setTimeout(expire, this.#unusedTimeoutMs);
    this.#waiting.set(uuid, { ...owner, acceptedEncoding, source, sink, timer, expire });
    return {
      handle: { kind: "client_stream", uuid, x_jmp_content_encoding: encoding },
      acceptedEncoding,
      stream: { readable, writable },
      [Symbol.dispose]: () => this.#remove(uuid),
    };
  }

  /** How many are waiting to be taken. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The files that a call may take. */
  accessFor(owner: ResourceOwner): FileAccess {
    return {
      openSource: async (handle, signal) => {
        const remote = parseRemote(handle, "GET");
        if (remote !== undefined) return (await openRemoteSource(remote, { signal })).bytes;
        const { source, sink, acceptedEncoding } = this.#take(handle, owner);
        const bytes = acceptedEncoding === undefined ? source : decode(source, acceptedEncoding);
        return bytes.pipeThrough(endingWith(sink), { signal });
      },
      openSink: (handle, signal) => Promise.try(() => this.#openSink(handle, owner, signal)),
      hold: (args) => this.#hold(args, owner),
    };
  }

  #hold(args: readonly unknown[], owner: ResourceOwner): Disposable | undefined {
    if (this.#waiting.size === 0) return undefined;
    const uuids = args.map(uuidOf).filter((uuid) => this.#waiting.get(uuid)?.driverUuid === owner.driverUuid);
    for (const uuid of uuids) clearTimeout(this.#waiting.get(uuid)?.timer);
    return {
      [Symbol.dispose]: () => {
        for (const uuid of uuids) {
          const waiting = this.#waiting.get(uuid);
          if (waiting !== undefined) waiting.timer = setTimeout(waiting.expire, this.#unusedTimeoutMs);
        }
      },
    };
  }

  #openSink(handle: unknown, owner: ResourceOwner, signal: AbortSignal): WritableStream<Uint8Array> {
    const remote = parseRemote(handle, "PUT");
    if (remote !== undefined) return openRemoteSink(remote, { signal });
    const { source, sink, acceptedEncoding } = this.#take(handle, owner);
    // Nobody reads what the client sends; taking it keeps its side of the stream whole.
    source.pipeTo(new WritableStream()).catch(() => {/* a broken stream shows on the sink */});
    return abortedBy(signal, acceptedEncoding === undefined ? sink : encodeInto(sink, acceptedEncoding));
  }

  #take(handle: unknown, { driverUuid, connectionClosed }: ResourceOwner): Waiting {
    const uuid = uuidOf(handle);
    const waiting = this.#waiting.get(uuid);
    if (waiting === undefined) {
      throw new DriverError("invalid_argument", "The argument stands for no open file", {
        hint: "open a resource stream first; each can be used once",
      });
    }
    if (waiting.driverUuid !== driverUuid || waiting.connectionClosed !== connectionClosed) {
      throw new DriverError("invalid_argument", "The file was opened for another driver or by another client");
    }
    this.#remove(uuid);
    return waiting;
  }

  #remove(uuid: string): void {
    clearTimeout(this.#waiting.get(uuid)?.timer);
    this.#waiting.delete(uuid);
  }
}

/** The id in a handle as clients pass it; empty for what is none. */
function uuidOf(handle: unknown): string {
  const uuid = (handle as { uuid?: unknown } | null | undefined)?.uuid;
  return typeof uuid === "string" ? uuid.toLowerCase() : "";
}

/** Which way a stream goes is not known when it is opened, so what cannot go both ways is left to the client. */
async function canHandle(encoding: Encoding): Promise<boolean> {
  return await canDecode(encoding) && await canEncode(encoding);
}

/** Passes bytes on; when the reader is done, in whichever way, so is the direction back to the client. */
function endingWith(sink: WritableStream<Uint8Array>): TransformStream<Uint8Array, Uint8Array> {
  const close = () => sink.close().catch(() => {/* the client has gone already */});
  return new TransformStream<Uint8Array, Uint8Array>({
    flush: () => void close(),
    cancel: () => void close(),
  });
}

/** The same sink, aborted when `signal` fires, whoever holds it then. */
function abortedBy(signal: AbortSignal, sink: WritableStream<Uint8Array>): WritableStream<Uint8Array> {
  const writer = sink.getWriter();
  writer.closed.catch(() => {/* told by the write or the close that waits for it */});
  const abort = () => void writer.abort(signal.reason).catch(() => {/* it has failed by itself */});
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return new WritableStream<Uint8Array>({
    write: (bytes) => writer.write(bytes),
    close: () => writer.close().catch(() => writer.closed), // which tells why
    abort: (reason) => writer.abort(reason),
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
  return { url: parsed, method, headers: parseHeaders(headers) };
}

function parseHeaders(headers: unknown): Record<string, string> {
  try {
    return Object.fromEntries(new Headers((headers ?? {}) as Record<string, string>));
  } catch (cause) {
    throw new DriverError("invalid_argument", "The file's request has headers that HTTP does not allow", { cause });
  }
}
