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
import { pause } from "../pause.ts";
import type { ClientCall } from "./client_call.ts";
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

/** The largest payload of a frame that we send. Peers accept 4 MiB. Larger ones take less work, which counts for files. */
const maxPayload = { conversation: 64 * 1024, file: 256 * 1024, checkedFile: 256 * 1024 } as const;

/** The frames that carry `bytes`. */
export function* toFrames(bytes: Uint8Array, kind: FrameStreamKind = "conversation"): Generator<OutgoingFrame> {
  if (!isPiece(bytes, kind)) return;
  const most = maxPayload[kind];
  let start = 0;
  do {
    yield { payload: bytes.subarray(start, start + most), frameType: pb.FrameType.DATA };
    start += most;
  } while (start < bytes.length);
}

/** In a conversation no bytes may mean something, such as an empty datagram; to a file they add nothing. */
function isPiece({ length }: Uint8Array, kind: FrameStreamKind): boolean {
  return length > 0 || kind === "conversation";
}

/** Gives the next frame; nothing when the call has ended well. */
type FrameSource = () => Promise<{ payload: Uint8Array; frameType: pb.FrameType } | undefined>;

/** How what comes is read. */
interface Reading {
  readonly kind: FrameStreamKind;
  /** What is to be compared with the trailer that the GOAWAY may carry. */
  readonly digest: Digest | undefined;
}

/** The next payload; nothing once the sender has said GOAWAY. PING and unknown frames are passed over. */
async function nextPayload(receive: FrameSource, { kind, digest }: Reading): Promise<Uint8Array | undefined> {
  for (let frame = await receive(); frame !== undefined; frame = await receive()) {
    const { payload, frameType } = frame;
    if (frameType === pb.FrameType.GOAWAY) {
      digest?.verify(payload);
      return undefined;
    }
    if (frameType === pb.FrameType.RST_STREAM) {
      throw new JumpstarterError("connection_lost", "The other side broke the stream off");
    }
    if (frameType !== pb.FrameType.DATA || !isPiece(payload, kind)) continue;
    digest?.update(payload);
    return payload;
  }
  // A conversation may end with the call; a file that was not said to be whole is not.
  if (kind !== "conversation") throw new JumpstarterError("io", "The transfer broke off before its end");
  return undefined;
}

/** The payloads that arrive, each asked for when it is wanted; `ended` is told when the last has been read. */
function payloadsOf(
  receive: FrameSource,
  reading: Reading,
  { cancel, ended }: { cancel?: () => void; ended?: () => void } = {},
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const payload = await nextPayload(receive, reading);
      if (payload !== undefined) return controller.enqueue(payload);
      controller.close();
      ended?.();
    },
    cancel,
  }, { highWaterMark: 0 });
}

/**
 * What a stream carries: an open-ended conversation, or one file; a checked one where the peer adds a length and a
 * SHA-256 to what it sends, and looks at ours.
 */
export type FrameStreamKind = "conversation" | "file" | "checkedFile";

/** The metadata entry by which each end says that its files are checked ones. */
export const integrityKey = "x_jmp_integrity";
/** What the entry says. */
export const integrity = "sha256";

/** What carries a file between this end and a peer, by the entry of the peer. */
export function fileKind(said: string | undefined): FrameStreamKind {
  return said === integrity ? "checkedFile" : "file";
}

/** What has come and what was sent, where the peer has use for it. */
function digestsOf(kind: FrameStreamKind): { received?: Digest; sent?: Digest } {
  return kind === "checkedFile" ? { received: new Digest(), sent: new Digest() } : {};
}

/** How long the client of a file may take, in milliseconds, to end its direction once the driver's side has ended. */
const endLimitMs = 10_000;

/** What the server's side can be told. */
export interface RelayOptions {
  /** How long the client of a file may take, 10 s by default. */
  readonly endLimitMs?: number;
  /** Told when the driver's side fails to end once the client has gone. */
  readonly onStuck?: (error: unknown) => void;
}

/**
 * The server's side: feeds `stream` from the client's frames and answers with the frames to send back. It ends when
 * both directions have, that of a file after `endLimitMs` in any case. When the client goes the driver's side is ended.
 */
export async function* relayFrames(
  requests: AsyncIterable<RequestFrame>,
  stream: FrameStream,
  signal: AbortSignal,
  kind: FrameStreamKind = "conversation",
  { endLimitMs: limitMs = endLimitMs, onStuck }: RelayOptions = {},
): AsyncGenerator<OutgoingFrame> {
  const { received, sent } = digestsOf(kind);
  const frames = requests[Symbol.asyncIterator]();
  const receive = async () => {
    const { done, value } = await frames.next();
    return done ? undefined : value;
  };
  const over = new AbortController();
  const reader = stream.readable.getReader();
  // While the client is there it is told by what follows.
  const stuck = (error: unknown) => {
    if (signal.aborted && error !== over.signal.reason) onStuck?.(error);
  };
  over.signal.addEventListener("abort", () => reader.cancel(over.signal.reason).catch(stuck), { once: true });
  const stop = () => over.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop(); // a call may be given up before it gets here
  const upload = payloadsOf(receive, { kind, digest: received }).pipeTo(stream.writable, { signal: over.signal });
  upload.catch((error) => {
    stuck(error);
    over.abort(error);
  });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      sent?.update(next.value);
      yield* toFrames(next.value, kind);
    }
    over.signal.throwIfAborted(); // a stream that was broken off has ended, and is not whole for that
    yield { frameType: pb.FrameType.GOAWAY, payload: sent?.trailer() };
    if (kind === "conversation") await upload;
    else await endOf(upload, limitMs, signal);
  } finally {
    signal.removeEventListener("abort", stop);
    over.abort(new JumpstarterError("cancelled", "The stream has ended"));
  }
}

/**
 * Waits for a direction to end, well or not. A Python client that ends its own on a call that is over gives up what has
 * come and that it has not read yet.
 */
async function endOf(direction: Promise<void>, limitMs: number, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  direction.then(end, end);
  await pause(limitMs, AbortSignal.any([signal, ended.signal]));
}

/**
 * A peer that ends calls has done so when it has everything, and is waited for; one that never does is not waited for
 * longer than `patienceMs`. What is still on its way to it then has `lingerMs` to get there.
 */
export interface EndOfCall {
  readonly patienceMs: number;
  readonly lingerMs: number;
}

const untilEnd: EndOfCall = { patienceMs: 1_000, lingerMs: 10_000 };

/** An open call of `Stream`. */
type FrameCall = ClientCall<MessageInitShape<typeof pb.StreamRequestSchema>, ResponseFrame>;

/**
 * The client's side of an open call. A peer that has sent GOAWAY may never end the call, or may end it with
 * `ABORTED`: both are a clean end once both directions are done, so the call is then ended from here.
 */
export function openFrameStream(
  call: FrameCall,
  kind: FrameStreamKind = "conversation",
  endOfCall: EndOfCall = untilEnd,
): ClientFrameStream {
  const { received, sent } = digestsOf(kind);
  let isSent = false, isReceived = false;
  const finish = async () => {
    if (isSent && isReceived) await endComes(call, endOfCall);
  };
  const readable = payloadsOf(() => call.receive(), { kind, digest: received }, {
    ended() {
      isReceived = true;
      void passOver(call); // the status comes after whatever a peer still sends
      void finish();
    },
    cancel: () => call.cancel(),
  });
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      // A writer that has nothing to write at the moment is told as well: that nobody wants the rest of its file, or
      // that the conversation has failed; whose `ABORTED` may yet turn out to be an end.
      void call.ended.then(async ({ code }) => {
        const isEnd = kind !== "conversation" ? isSent : code === status.OK || code === status.ABORTED;
        if (!isEnd) controller.error(await call.endedEarly());
      });
    },
    async write(bytes) {
      sent?.update(bytes);
      for (const frame of toFrames(bytes, kind)) await call.send(frame);
    },
    async close() {
      try {
        await call.send({ frameType: pb.FrameType.GOAWAY, payload: sent?.trailer() });
        call.halfClose();
      } catch (error) {
        const { code } = await call.ended;
        if (code !== status.OK && !(isReceived && code === status.ABORTED)) throw error;
      }
      isSent = true;
      await finish();
    },
    abort: () => call.cancel(),
  });
  return { readable, writable, cancel: () => call.cancel() };
}

/** Reads what nobody wants to know any more. */
async function passOver(call: FrameCall): Promise<void> {
  try {
    for await (const _ of call.messages());
  } catch {
    // How the call ends is for others to tell.
  }
}

/** Waits until the peer ends the call, within reason; cuts it off when the peer does not. */
function endComes(call: FrameCall, { patienceMs, lingerMs }: EndOfCall): Promise<void> {
  return new Promise((resolve) => {
    const patience = setTimeout(resolve, patienceMs);
    const linger = setTimeout(() => call.cancel(), lingerMs);
    void call.ended.then(() => {
      clearTimeout(patience);
      clearTimeout(linger);
      resolve();
    });
  });
}
