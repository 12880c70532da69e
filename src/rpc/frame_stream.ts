/**
 * Raw streams over `RouterService.Stream`: bytes as DATA frames both ways, GOAWAY for "I shall send no more".
 *
 * The end of the data is only ever a GOAWAY or a clean end of the call; a call that breaks is an error for the
 * reader, so that half a file is never taken for a whole one.
 */
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { DuplexCall } from "./channel.ts";

/** One frame from the client to the server. */
export type RequestFrame = MessageShape<typeof pb.StreamRequestSchema>;
/** One frame from the server to the client. */
export type ResponseFrame = MessageShape<typeof pb.StreamResponseSchema>;

/** A frame that is to be sent, in either direction. */
export interface OutgoingFrame {
  payload?: Uint8Array;
  frameType: pb.FrameType;
}

/** Two byte directions; closing `writable` leaves `readable` open. */
export interface FrameStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** The largest payload of a frame that we send. Peers accept 4 MiB; 64 KiB is as fast, and fairer to other calls. */
const maxPayload = 64 * 1024;

/** The frames that carry `bytes`. */
export function* toFrames(bytes: Uint8Array): Generator<OutgoingFrame> {
  for (let start = 0; start < bytes.length; start += maxPayload) {
    yield { payload: bytes.subarray(start, start + maxPayload), frameType: pb.FrameType.DATA };
  }
}

/** The payloads of `frames`, up to the sender's GOAWAY. PING and unknown frames are passed over. */
export async function* fromFrames(
  frames: AsyncIterable<{ payload: Uint8Array; frameType: pb.FrameType }>,
): AsyncGenerator<Uint8Array> {
  for await (const { payload, frameType } of frames) {
    if (frameType === pb.FrameType.GOAWAY) return;
    if (frameType === pb.FrameType.RST_STREAM) {
      throw new JumpstarterError("connection_lost", "The other side broke the stream off");
    }
    if (frameType === pb.FrameType.DATA && payload.length > 0) yield payload;
  }
}

/**
 * The server's side: feeds `stream` from the client's frames and answers with the frames to send back. Ends when
 * both directions have; ends the device's side when the client goes.
 */
export async function* relayFrames(
  requests: AsyncIterable<RequestFrame>,
  stream: FrameStream,
  signal: AbortSignal,
): AsyncGenerator<OutgoingFrame> {
  const upload = ReadableStream.from(fromFrames(requests)).pipeTo(stream.writable, { signal });
  // The failure of the upload is told by the loop below or by the await after it; not by an unhandled rejection.
  upload.catch(() => {});
  const failed = new AbortController();
  upload.catch((error) => failed.abort(error));
  const reader = stream.readable.getReader();
  const stop = () => reader.cancel(signal.reason ?? failed.signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  failed.signal.addEventListener("abort", stop, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield* toFrames(next.value);
    failed.signal.throwIfAborted();
    yield { frameType: pb.FrameType.GOAWAY };
    await upload;
  } finally {
    stop();
  }
}

/**
 * The client's side of an open call. A peer that has sent GOAWAY may never end the call, or may end it with
 * `ABORTED`: both are a clean end once both directions are done, so the call is then ended from here.
 */
export function openFrameStream(
  { call, explain }: DuplexCall<MessageInitShape<typeof pb.StreamRequestSchema>, ResponseFrame>,
): FrameStream {
  let isSent = false, isReceived = false;
  const finish = () => {
    if (isSent && isReceived) call.cancel();
  };
  const payloads = fromFrames(call);
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await payloads.next();
        if (!next.done) return controller.enqueue(next.value);
        isReceived = true;
        controller.close();
        finish();
      } catch (error) {
        controller.error(await explain(error));
      }
    },
    cancel: () => call.cancel(),
  }, { highWaterMark: 0 });
  const send = (frame: OutgoingFrame) =>
    new Promise<void>((resolve, reject) =>
      call.write(frame, (error?: Error | null) => error ? explain(error).then(reject) : resolve())
    );
  const writable = new WritableStream<Uint8Array>({
    async write(bytes) {
      for (const frame of toFrames(bytes)) await send(frame);
    },
    async close() {
      await send({ frameType: pb.FrameType.GOAWAY });
      call.end();
      isSent = true;
      finish();
    },
    abort: () => call.cancel(),
  });
  call.on("error", (error: { code?: number }) => {
    // The reader and the writer see the error themselves; without a listener it would end the program.
    if (error.code === status.CANCELLED) call.destroy();
  });
  return { readable, writable };
}
