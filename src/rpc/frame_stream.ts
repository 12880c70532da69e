/**
 * Raw streams over `RouterService.Stream`: bytes as DATA frames both ways, GOAWAY for "I shall send no more".
 *
 * The end of the data is only ever a GOAWAY or a clean end of the call; a call that breaks is an error for the
 * reader, so that half a file is never taken for a whole one.
 */
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type ClientDuplexStream, status } from "@grpc/grpc-js";
import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { DuplexCall } from "./channel.ts";
import { messagesOf } from "./call_reader.ts";
import { Digest } from "./digest.ts";

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

/** The client's side of a raw stream. */
export interface ClientFrameStream extends FrameStream {
  /** Tears the stream down, in whatever state it is. */
  cancel(): void;
}

/** The largest payload of a frame that we send. Peers accept 4 MiB; 64 KiB is as fast, and fairer to other calls. */
const maxPayload = 64 * 1024;

/** The frames that carry `bytes`. */
export function* toFrames(bytes: Uint8Array): Generator<OutgoingFrame> {
  for (let start = 0; start < bytes.length; start += maxPayload) {
    yield { payload: bytes.subarray(start, start + maxPayload), frameType: pb.FrameType.DATA };
  }
}

/**
 * The payloads of `frames`, up to the sender's GOAWAY. PING and unknown frames are passed over.
 *
 * @param digest What is to be compared with the trailer that the GOAWAY may carry.
 */
export async function* fromFrames(
  frames: AsyncIterable<{ payload: Uint8Array; frameType: pb.FrameType }>,
  digest?: Digest,
): AsyncGenerator<Uint8Array> {
  for await (const { payload, frameType } of frames) {
    if (frameType === pb.FrameType.GOAWAY) return digest?.verify(payload);
    if (frameType === pb.FrameType.RST_STREAM) {
      throw new JumpstarterError("connection_lost", "The other side broke the stream off");
    }
    if (frameType !== pb.FrameType.DATA || payload.length === 0) continue;
    digest?.update(payload);
    yield payload;
  }
  // A conversation may end with the call; a file that was not said to be whole is not.
  if (digest !== undefined) throw new JumpstarterError("io", "The transfer broke off before its end");
}

/** What a stream carries: an open-ended conversation, or one file whose integrity is looked after. */
export type FrameStreamKind = "conversation" | "file";

/**
 * The server's side: feeds `stream` from the client's frames and answers with the frames to send back. A conversation
 * ends when both directions have, a file when the driver's side has. When the client goes the driver's side is ended.
 */
export async function* relayFrames(
  requests: AsyncIterable<RequestFrame>,
  stream: FrameStream,
  signal: AbortSignal,
  kind: FrameStreamKind = "conversation",
): AsyncGenerator<OutgoingFrame> {
  const [received, sent] = kind === "file" ? [new Digest(), new Digest()] : [];
  const upload = ReadableStream.from(fromFrames(requests, received)).pipeTo(stream.writable, { signal });
  // The failure of the upload is told by the loop below or by the await after it; not by an unhandled rejection.
  upload.catch(() => {});
  const failed = new AbortController();
  upload.catch((error) => failed.abort(error));
  const reader = stream.readable.getReader();
  const stop = () => reader.cancel(signal.reason ?? failed.signal.reason).catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  failed.signal.addEventListener("abort", stop, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      sent?.update(next.value);
      yield* toFrames(next.value);
    }
    failed.signal.throwIfAborted();
    yield { frameType: pb.FrameType.GOAWAY, payload: sent?.trailer() };
    if (kind === "conversation") await upload;
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
  kind: FrameStreamKind = "conversation",
  endOfCall: EndOfCall = untilEnd,
): ClientFrameStream {
  const [received, sent] = kind === "file" ? [new Digest(), new Digest()] : [];
  const end = new CallEnd(call);
  let isSent = false, isReceived = false;
  const finish = async () => {
    if (isReceived) call.resume(); // the status comes after whatever a peer still sends
    if (isSent && isReceived) await end.comes(endOfCall, () => call.cancel());
  };
  const payloads = fromFrames(framesOf(call, end), received);
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await payloads.next();
        if (!next.done) return controller.enqueue(next.value);
        isReceived = true;
        controller.close();
        void finish();
      } catch (error) {
        controller.error(await explain(error));
      }
    },
    cancel: () => call.cancel(),
  }, { highWaterMark: 0 });
  const deliver = (frame: OutgoingFrame) =>
    end.send(frame).catch(async (error) => {
      throw await explain(error);
    });
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      // A writer that has nothing to write at the moment is told as well.
      end.onFailure(async (error) => controller.error(await explain(error).catch((unexplained) => unexplained)));
    },
    async write(bytes) {
      sent?.update(bytes);
      for (const frame of toFrames(bytes)) await deliver(frame);
    },
    async close() {
      try {
        await end.send({ frameType: pb.FrameType.GOAWAY, payload: sent?.trailer() });
        call.end();
      } catch (error) {
        if (!end.isClean(isReceived)) throw await explain(error);
      }
      isSent = true;
      await finish();
    },
    abort: () => call.cancel(),
  });
  return { readable, writable, cancel: () => call.cancel() };
}

/**
 * The frames that arrive on a call. Leaving the loop leaves the call as it is, since the other direction goes on; and
 * a failure is told also when it came while nobody was reading, where the call itself would only show an end.
 */
async function* framesOf<O>(call: ClientDuplexStream<never, O>, end: CallEnd): AsyncGenerator<O> {
  yield* messagesOf<O>(call);
  if (end.failure !== undefined) throw end.failure;
}

type OpenCall = Pick<ClientDuplexStream<OutgoingFrame, unknown>, "on" | "once" | "write" | "destroy">;

/**
 * A peer that ends calls has done so when it has everything, and is waited for; one that never does is not waited for
 * longer than `patienceMs`. What is still on its way to it then has `lingerMs` to get there.
 */
export interface EndOfCall {
  readonly patienceMs: number;
  readonly lingerMs: number;
}

const untilEnd: EndOfCall = { patienceMs: 1_000, lingerMs: 10_000 };

/** Knows how a call has ended; a frame that it took with it to the grave is an error for its sender, and no wait. */
class CallEnd {
  readonly #call: OpenCall;
  #failure: (Error & { code?: number }) | undefined;
  #hasEnded = false;
  #stuck: ((error: Error) => void) | undefined;
  #told: ((error: Error) => void) | undefined;

  constructor(call: OpenCall) {
    this.#call = call;
    call.on("error", (error: Error & { code?: number }) => {
      this.#failure ??= error;
      if (error.code === status.CANCELLED) call.destroy();
      if (error.code !== status.ABORTED) this.#told?.(error);
    });
    call.once("status", () => {
      this.#hasEnded = true;
      this.#stuck?.(this.#error());
    });
  }

  /** What ended the call, if that was not its peer's free will. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Told when the call breaks; `ABORTED` may yet turn out to be an end. */
  onFailure(told: (error: Error) => void): void {
    this.#told = told;
  }

  /** Whether the call ended in a way that leaves nothing to say: by itself, or cut off after its peer's last word. */
  isClean(isReceived: boolean): boolean {
    if (!this.#hasEnded) return false;
    return this.#failure === undefined || (isReceived && this.#failure.code === status.ABORTED);
  }

  /** Waits until the peer ends the call, within reason; cuts it off when the peer does not. */
  comes({ patienceMs, lingerMs }: EndOfCall, cut: () => void): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasEnded) return resolve();
      const patience = setTimeout(resolve, patienceMs);
      const linger = setTimeout(cut, lingerMs);
      this.#call.once("status", () => {
        clearTimeout(patience);
        clearTimeout(linger);
        resolve();
      });
    });
  }

  /** Sends a frame; answers when there is room for the next one. */
  send(frame: OutgoingFrame): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#hasEnded) return reject(this.#error());
      this.#stuck = reject;
      this.#call.write(frame, (error?: Error | null) => error ? reject(this.#failure ?? error) : resolve());
    });
  }

  #error(): Error {
    return this.#failure ?? new JumpstarterError("connection_lost", "The other side has ended the stream");
  }
}
