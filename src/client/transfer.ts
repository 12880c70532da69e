/**
 * Files on their way to and from a driver: a raw stream carries the bytes while a call of the driver reads or writes
 * them.
 */
import * as pb from "../../proto/mod.ts";
import type { TransferOptions } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { type Channel, type ClientFrameStream, openFrameStream } from "../rpc/mod.ts";

/** Hands `source` to the call that `use` makes with the handle it is given. */
export async function upload<T>(
  channel: Channel,
  uuid: string,
  source: ReadableStream<Uint8Array>,
  use: (handle: Json) => Promise<T>,
  options: TransferOptions = {},
): Promise<T> {
  const { stream, handle } = await openResource(channel, uuid, options);
  // The driver says when it is done by ending its direction; what it sends before is nothing to us.
  stream.readable.pipeTo(new WritableStream()).catch(() => {/* the call or the sending fails with it */});
  const local: LocalFailure = {};
  const bytes = ReadableStream.from(watched(source, local, options));
  return await whileTransferring(bytes.pipeTo(stream.writable), use(handle), stream, local);
}

/** Fills `sink` from the call that `use` makes with the handle it is given. */
export async function download<T>(
  channel: Channel,
  uuid: string,
  sink: WritableStream<Uint8Array>,
  use: (handle: Json) => Promise<T>,
  options: TransferOptions = {},
): Promise<T> {
  const { stream, handle } = await openResource(channel, uuid, options);
  const local: LocalFailure = {};
  const bytes = ReadableStream.from(watched(stream.readable, {}, options));
  const result = await whileTransferring(bytes.pipeTo(watchedSink(sink, local)), use(handle), stream, local);
  stream.cancel();
  return result;
}

async function openResource(
  channel: Channel,
  uuid: string,
  { signal, timeoutMs }: TransferOptions,
): Promise<{ stream: ClientFrameStream; handle: Json }> {
  const request = JSON.stringify({ kind: "resource", uuid, x_jmp_content_encoding: null });
  const duplex = channel.duplex(pb.RouterService.method.stream, { request }, { signal, timeoutMs });
  const stream = openFrameStream(duplex, "file");
  const handle = (await duplex.metadata()).resource;
  if (handle !== undefined) return { stream, handle: JSON.parse(handle) };
  stream.cancel();
  throw new JumpstarterError("unimplemented", "The exporter takes no files: it gave no handle for one");
}

/** What failed at our own end of a transfer. */
interface LocalFailure {
  error?: unknown;
}

/** How long a call may go on once its transfer has broken. */
const callLimitMs = 5_000;

/**
 * Waits for a call and for the transfer that it uses. When one fails the other is ended, and the error is that of
 * whoever knows best: our own file first, then the driver, then the stream between them.
 */
async function whileTransferring<T>(
  transfer: Promise<void>,
  call: Promise<T>,
  stream: ClientFrameStream,
  local: LocalFailure,
): Promise<T> {
  call.catch(() => stream.cancel());
  const [transferred] = await Promise.allSettled([transfer]);
  if (transferred.status === "fulfilled") return await call;
  stream.cancel();
  if (local.error !== undefined) {
    call.catch(() => {/* it fails because our end did */});
    throw local.error;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => timer = setTimeout(() => reject(transferred.reason), callLimitMs));
  try {
    await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
  throw transferred.reason;
}

async function* watched(
  source: ReadableStream<Uint8Array>,
  local: LocalFailure,
  { onProgress }: TransferOptions,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  const reader = source.getReader();
  let isWhole = false;
  try {
    while (true) {
      const next = await reader.read().catch((error) => {
        local.error = error;
        throw error;
      });
      if (next.done) break;
      yield next.value;
      onProgress?.(count += next.value.length);
    }
    isWhole = true;
  } finally {
    if (!isWhole) await reader.cancel().catch(() => {/* it has failed by itself */});
  }
}

function watchedSink(sink: WritableStream<Uint8Array>, local: LocalFailure): WritableStream<Uint8Array> {
  const writer = sink.getWriter();
  const noting = (done: Promise<void>) =>
    done.catch((error) => {
      local.error = error;
      throw error;
    });
  return new WritableStream<Uint8Array>({
    write: (bytes) => noting(writer.write(bytes)),
    close: () => noting(writer.close()),
    abort: (reason) => writer.abort(reason),
  });
}
