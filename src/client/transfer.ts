/**
 * Files on their way to and from a driver: a raw stream carries the bytes while a call of the driver reads or writes
 * them.
 */
import * as pb from "../../proto/mod.ts";
import { decode, encodeInto } from "../codec/mod.ts";
import type { TransferOptions } from "../driver/mod.ts";
import type { Encoding } from "../encoding.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import {
  type Channel,
  type ClientFrameStream,
  fileKind,
  integrity,
  integrityKey,
  openFrameStream,
} from "../rpc/mod.ts";

type Bytes = ReadableStream<Uint8Array>;

/** How far a transfer has come, and what failed of it at our own end. */
interface Progress {
  bytes: number;
  ownFailure?: { readonly error: unknown };
}

/** Hands `source` to the call that `use` makes with the handle it is given. */
export async function upload<T>(
  channel: Channel,
  uuid: string,
  source: Bytes,
  use: (handle: Json) => Promise<T>,
  options: TransferOptions = {},
): Promise<T> {
  const { stream, handle, ownEncoding } = await openResource(channel, uuid, options).catch(async (error) => {
    await source.cancel(error).catch(() => {/* it has failed by itself */});
    throw error;
  });
  // The driver says when it is done by ending its direction; what it sends before is nothing to us.
  stream.readable.pipeTo(new WritableStream()).catch(() => {/* the call or the sending fails with it */});
  const progress: Progress = { bytes: 0 };
  const packed = counted(source, progress, options);
  const bytes = ownEncoding === undefined ? packed : decode(packed, ownEncoding);
  const sent = noted(bytes, progress).pipeTo(stream.writable);
  return await whileTransferring(sent, use(handle), stream, progress);
}

/** Fills `sink` from the call that `use` makes with the handle it is given, and closes it once that has succeeded. */
export async function download<T>(
  channel: Channel,
  uuid: string,
  sink: WritableStream<Uint8Array>,
  use: (handle: Json) => Promise<T>,
  options: TransferOptions = {},
): Promise<T> {
  const progress: Progress = { bytes: 0 };
  let target = notedSink(sink, progress);
  try {
    const { stream, handle, ownEncoding } = await openResource(channel, uuid, options);
    // Nothing goes to the driver; an exporter waits for that to be said before it ends the stream.
    stream.writable.close().catch(() => {/* the receiving fails with it */});
    if (ownEncoding !== undefined) target = notedSink(encodeInto(target, ownEncoding), progress);
    // Some exporters end the stream of a driver that fails as they do that of one that is done: the call says which.
    const received = counted(stream.readable, progress, options).pipeTo(target, { preventClose: true });
    const result = await whileTransferring(received, use(handle), stream, progress);
    stream.cancel();
    await target.close();
    return result;
  } catch (error) {
    await target.abort(error).catch(() => {/* it has failed by itself */});
    throw error;
  }
}

/** A stream that a call may use. */
interface OpenResource {
  readonly stream: ClientFrameStream;
  /** What stands for it among the call's arguments. */
  readonly handle: Json;
  /** The encoding that is left for this end to make or to undo; nothing where the exporter does. */
  readonly ownEncoding: Encoding | undefined;
}

/**
 * Asks an exporter for a stream. One of our own says that it checks what comes, and gets it compressed. Others may
 * take a compressed file that was cut off for a whole one, or stop where a second one follows the first; what they
 * get is plain.
 */
async function openResource(
  channel: Channel,
  uuid: string,
  { signal, timeoutMs, compression }: TransferOptions,
): Promise<OpenResource> {
  const request = JSON.stringify({ kind: "resource", uuid, x_jmp_content_encoding: compression ?? null });
  const asked = { request, [integrityKey]: integrity };
  const duplex = channel.duplex(pb.RouterService.method.stream, asked, { signal, timeoutMs });
  const { resource, x_jmp_accept_encoding: accepted, [integrityKey]: said } = await duplex.metadata();
  const kind = fileKind(said);
  const handle = parseHandle(resource);
  if (handle === undefined) {
    duplex.cancel();
    throw new JumpstarterError("unimplemented", "The exporter takes no files: it gave no handle for one");
  }
  const stream = openFrameStream(duplex, kind);
  const isTaken = compression !== undefined && accepted === compression && kind === "checkedFile";
  // The handle says how the stream is encoded, and some exporters go by what it says when it comes back to them.
  return isTaken
    ? { stream, handle, ownEncoding: undefined }
    : { stream, handle: { ...handle, x_jmp_content_encoding: null }, ownEncoding: compression };
}

function parseHandle(text: string | undefined): { [key: string]: Json } | undefined {
  try {
    const handle: unknown = JSON.parse(text ?? "");
    return typeof handle === "object" && handle !== null ? handle as { [key: string]: Json } : undefined;
  } catch {
    return undefined;
  }
}

/** How long a call may go on once its transfer has broken. */
const callLimitMs = 5_000;

/** How long a transfer may stand still once its call has succeeded; what is left of it is already on its way. */
const silenceLimitMs = 10_000;

/**
 * Waits for a call and for the transfer that it uses. When one fails the other is ended, and the error is that of
 * whoever knows best: our own file first, then the driver, then the stream between them.
 */
async function whileTransferring<T>(
  transfer: Promise<void>,
  call: Promise<T>,
  stream: ClientFrameStream,
  progress: Progress,
): Promise<T> {
  const limit = new AbortController();
  call.then(() => cancelWhenSilent(stream, progress, limit.signal), () => stream.cancel());
  const [transferred] = await Promise.allSettled([transfer]);
  limit.abort();
  if (transferred.status === "fulfilled") return await call;
  stream.cancel();
  if (progress.ownFailure !== undefined) {
    call.catch(() => {/* it fails because our end did */});
    throw progress.ownFailure.error;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => timer = setTimeout(() => reject(transferred.reason), callLimitMs));
  try {
    await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
  const { reason: cause } = transferred;
  // With the call whole, a stream that was cut is one that the driver has left.
  const isCut = cause instanceof JumpstarterError && ["connection_lost", "cancelled"].includes(cause.code);
  if (!isCut) throw cause;
  throw new JumpstarterError("io", "the driver has answered before the whole file had gone through", { cause });
}

/** Cancels a transfer that stands still: a driver that has answered does nothing about it any more. */
function cancelWhenSilent(stream: ClientFrameStream, progress: Progress, signal: AbortSignal): void {
  if (signal.aborted) return;
  let seen = progress.bytes;
  const timer = setInterval(() => {
    if (progress.bytes === seen) stream.cancel();
    seen = progress.bytes;
  }, silenceLimitMs);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/** The same bytes, counted. */
function counted(source: Bytes, progress: Progress, { onProgress }: TransferOptions): Bytes {
  return observed(source, ({ length }) => {
    progress.bytes += length;
    onProgress?.(progress.bytes);
  });
}

/** The same bytes, with their failure noted as that of our own end. */
function noted(source: Bytes, progress: Progress): Bytes {
  return observed(source, undefined, (error) => progress.ownFailure ??= { error });
}

function observed(source: Bytes, onBytes?: (bytes: Uint8Array) => void, onError?: (error: unknown) => void): Bytes {
  const reader = source.getReader();
  let isCancelled = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await reader.read().catch((error) => {
        if (!isCancelled) onError?.(error);
        throw error;
      });
      if (isCancelled) return;
      if (value === undefined) return controller.close();
      onBytes?.(value);
      controller.enqueue(value);
    },
    cancel(reason) {
      isCancelled = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** The same sink, with its failure noted as that of our own end. */
function notedSink(sink: WritableStream<Uint8Array>, progress: Progress): WritableStream<Uint8Array> {
  const writer = sink.getWriter();
  writer.closed.catch(() => {/* told by the write or the close that waits for it */});
  const noting = (done: Promise<void>) =>
    done.catch((error) => {
      progress.ownFailure ??= { error };
      throw error;
    });
  return new WritableStream<Uint8Array>({
    write: (bytes) => noting(writer.write(bytes)),
    close: () => noting(writer.close()),
    abort: (reason) => writer.abort(reason),
  });
}
