/**
 * Makes a write to an HTTP/2 stream last until its bytes have left the process.
 *
 * Up to 2.9.3, Deno tells every such write that it is done at once, and keeps what the peer's flow-control window does
 * not let out, without bound: a device that takes no bytes let its client pile up 3 GB in seconds. 2.9.4 ends a write
 * when its bytes are out (denoland/deno#36044). The day that no older Deno is in use, this file and its two uses go.
 *
 * Every frame that leaves passes through the socket's `write`, so that is where the bytes of each stream are counted.
 * A write that is more than {@link AHEAD_BYTES} ahead of the count is told that it is done when the count has caught
 * up; node's own streams, and those of gRPC above them, then hold back whoever writes. One stream that is held back
 * holds back no other, as HTTP/2 counts the bytes of each by itself.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Http2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { isOlder } from "./deno_release.ts";
import { FRAME, FrameScanner } from "./http2_frames.ts";
import { onHttp2Stream } from "./http2_streams.ts";

/** The first Deno whose writes last until their bytes are out. */
const MENDED = "2.9.4";

/** How far a stream's writes may be ahead of what has left: enough to keep a fast connection busy. */
const AHEAD_BYTES = 128 * 1024;

/** Whether the Deno of this version ends writes to HTTP/2 streams at once. */
export function writesEndAtOnce(version: string): boolean {
  return isOlder(version, MENDED);
}

/**
 * Paces the writes of all HTTP/2 streams that are going to be on a socket.
 *
 * @param socket A connected socket that HTTP/2 has not been given yet.
 * @param role Which end of the connection this is.
 */
export function paceWrites(socket: Duplex, role: "server" | "client"): void {
  const pace = new SocketPace(socket, role);
  onHttp2Stream(socket, (stream) => pace.add(stream));
}

type WriteCallback = (error?: Error | null) => void;

/** Counts the bytes of each stream that leave a socket. */
class SocketPace {
  readonly #streams = new Map<number, StreamPace>();
  readonly #scanner: FrameScanner;
  /** The bytes by stream in what is being written. */
  #leaving: [streamId: number, bytes: number][] = [];

  constructor(socket: Duplex, role: "server" | "client") {
    this.#scanner = new FrameScanner(role === "client", (type, _flags, streamId, length) => {
      if (type === FRAME.data) this.#leaving.push([streamId, length]);
      return true;
    });
    const write = socket.write.bind(socket);
    const paced = (chunk: Uint8Array, ...rest: unknown[]): boolean => {
      this.#scanner.scan(chunk);
      const leaving = this.#leaving;
      if (leaving.length === 0) return Reflect.apply(write, undefined, [chunk, ...rest]);
      this.#leaving = [];
      const told = rest.findLast((argument) => typeof argument === "function");
      return write(chunk, (error) => {
        for (const [streamId, bytes] of leaving) this.#streams.get(streamId)?.left(bytes);
        told?.(error);
      });
    };
    socket.write = paced as Duplex["write"];
  }

  /** Paces a stream, from when it has its id until it is closed. */
  add(stream: Http2Stream): void {
    const pace = new StreamPace(stream);
    const register = () => this.#streams.set(stream.id ?? 0, pace);
    if (stream.pending) stream.once("ready", register);
    else register();
    stream.once("close", () => {
      pace.release();
      this.#streams.delete(stream.id ?? 0);
    });
  }
}

/** What one stream has written, less what has left. */
class StreamPace {
  #aheadBytes = 0;
  #isReleased = false;
  /** The write under way, once it is only waiting for its bytes to leave. */
  #held: WriteCallback | undefined;

  constructor(stream: Http2Stream) {
    const { _write, _writev, end } = stream;
    stream._write = (chunk, encoding, callback) =>
      _write.call(stream, chunk, encoding, this.#until(Buffer.byteLength(chunk, encoding), callback));
    stream._writev = (chunks, callback) => {
      const bytes = chunks.reduce((sum, { chunk, encoding }) => sum + Buffer.byteLength(chunk, encoding), 0);
      _writev?.call(stream, chunks, this.#until(bytes, callback));
    };
    // Nothing more can pile up then; and a stream that its peer has done with would wait for ever.
    stream.end = (...args: unknown[]) => {
      this.release();
      return Reflect.apply(end, stream, args);
    };
  }

  /** Bytes of this stream have left. */
  left(bytes: number): void {
    this.#aheadBytes -= bytes;
    if (this.#aheadBytes <= AHEAD_BYTES) this.#letGo();
  }

  /** Holds nothing back any more. */
  release(): void {
    this.#isReleased = true;
    this.#letGo();
  }

  #until(bytes: number, callback: WriteCallback): WriteCallback {
    this.#aheadBytes += bytes;
    return (error) => {
      if (error || this.#isReleased || this.#aheadBytes <= AHEAD_BYTES) callback(error);
      else this.#held = callback;
    };
  }

  #letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }
}
