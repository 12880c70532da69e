/**
 * Keeps HTTP/2 GOAWAY frames away from the HTTP/2 layer.
 *
 * Deno 2.9.4 and newer die (SIGABRT or SIGSEGV, nothing that can be caught) when a peer's GOAWAY reaches a connection
 * that has carried a hundred or so calls, as a server and as a client: denoland/deno#36788. Once a release is seen to
 * be fixed, write it into {@link FATAL} as `until`; the day that no Deno in use is left in that range, this file can go.
 *
 * What the dropped frame would have made the HTTP/2 layer do is done here, in terms of frames alone:
 *
 * - **The connection ends when its work is done.** A peer that sends GOAWAY normally closes next, and is given
 *   {@link QUIET_MS} to do so once no stream is open; one that waits for us instead then finds the connection ended.
 * - **An error code ends it whatever is open,** as that peer processes nothing any more.
 * - **Streams the peer will not process do not hang.** A client that has not heard of the GOAWAY opens streams that
 *   the peer ignores. Each is answered with RST_STREAM(REFUSED_STREAM), which is what GOAWAY says about them.
 *
 * @module
 */
import { Duplex } from "node:stream";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { isOlder } from "./deno_release.ts";
import { FRAME, FrameScanner, OpenStreams, refusal } from "./http2_frames.ts";

/** The Deno releases that GOAWAY kills: `from`, up to but not including `until` (none is known to be fixed). */
const FATAL: { readonly from: string; readonly until?: string } = { from: "2.9.4" };

/** How long a connection stays once a GOAWAY has come and no stream is open: time for the peer to close it. */
const QUIET_MS = 250;

/** How long the last bytes may take to leave once the connection has been ended from here. */
const FLUSH_MS = 5_000;

/** What of a socket is passed through, where the socket has it: what node:http2 and grpc-js look at. */
const SOCKET_PROPERTIES = [
  ...["remoteAddress", "remotePort", "remoteFamily", "localAddress", "localPort", "localFamily"],
  ...["encrypted", "authorized", "authorizationError", "alpnProtocol", "servername"],
  ...["bytesRead", "bytesWritten", "timeout"],
];
const SOCKET_METHODS = [
  ...["address", "ref", "unref", "setTimeout", "setNoDelay", "setKeepAlive", "disableRenegotiation"],
  ...["getPeerCertificate", "getCertificate", "getCipher", "getProtocol", "isSessionReused"],
];

/** Whether a GOAWAY from a peer can kill the Deno of this version, so that its sockets need the guard. */
export function goawayIsFatal(version: string): boolean {
  return !isOlder(version, FATAL.from) && (FATAL.until === undefined || isOlder(version, FATAL.until));
}

/**
 * Wraps a connected socket so that all passes but inbound GOAWAY frames. Bytes that are not HTTP/2 pass untouched, for
 * the HTTP/2 layer to complain about. It emits `goaway` (error code, last stream id) for each frame that it drops.
 *
 * @param socket A connected net or TLS socket, or any other byte stream.
 * @param role Which end of the connection this is.
 */
export function guardGoaway(socket: Duplex, role: "server" | "client"): Duplex {
  return new GuardedSocket(socket, role);
}

type WriteCallback = (error?: Error | null) => void;

class GuardedSocket extends Duplex {
  readonly #socket: Duplex;
  readonly #inbound: FrameScanner;
  readonly #outbound: FrameScanner;
  readonly #streams = new OpenStreams();
  /** The ids of refused streams that are yet to be told so. */
  #refused: number[] = [];
  /** The highest stream that the peer still works on, once it has sent GOAWAY. */
  #lastStreamId: number | undefined;
  /** Whether a GOAWAY had an error code, so that the peer works on nothing any more. */
  #hasFailed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;
  /** Wakes a writer that waits for the socket to take more. */
  #drained: WriteCallback | undefined;

  constructor(socket: Duplex, role: "server" | "client") {
    super({ allowHalfOpen: socket.allowHalfOpen });
    this.#socket = socket;
    const peer = role === "server" ? "client" : "server";
    this.#inbound = new FrameScanner(role === "server", (type, flags, streamId) => {
      this.#streams.note(peer, type, flags, streamId);
      return type !== FRAME.goaway;
    }, (payload) => this.#leave(role, payload));
    this.#outbound = new FrameScanner(role === "client", (type, flags, streamId) => {
      this.#streams.note(role, type, flags, streamId);
      return true;
    });
    this.#passThrough();
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("end", () => this.#end());
    socket.on("drain", () => this.#writable());
    socket.on("timeout", () => this.emit("timeout"));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.#closed());
    // Adding a "data" listener has set it flowing; it flows when it is read.
    socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#send(chunk, callback);
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: WriteCallback): void {
    const last = chunks.length - 1;
    this.#socket.cork();
    chunks.forEach(({ chunk }, i) => this.#send(chunk, i === last ? callback : undefined));
    this.#socket.uncork();
  }

  override _final(callback: WriteCallback): void {
    if (this.#socket.writableEnded || this.#socket.destroyed) callback();
    else this.#socket.end(() => callback());
  }

  override _destroy(error: Error | null, callback: WriteCallback): void {
    clearTimeout(this.#timer);
    this.#socket.destroy(error ?? undefined);
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.(error);
    callback(error);
  }

  /** Offers the socket's own properties and methods as this stream's. */
  #passThrough(): void {
    const socket = this.#socket;
    for (const name of SOCKET_PROPERTIES) {
      if (name in socket) Object.defineProperty(this, name, { get: () => Reflect.get(socket, name), enumerable: true });
    }
    for (const name of SOCKET_METHODS) {
      const method: unknown = Reflect.get(socket, name);
      if (typeof method !== "function") continue;
      const call = (...args: unknown[]) => {
        const result: unknown = Reflect.apply(method, socket, args);
        return result === socket ? this : result;
      };
      Object.defineProperty(this, name, { value: call });
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#hasEnded) return;
    let hasRoom = true;
    for (const part of this.#inbound.scan(chunk)) hasRoom = this.push(part);
    if (!hasRoom) this.#socket.pause();
    this.#settle();
  }

  #send(chunk: Uint8Array, callback?: WriteCallback): void {
    this.#outbound.scan(chunk);
    this.#settle();
    const hasRoom = this.#socket.write(chunk);
    if (callback === undefined) return;
    if (hasRoom || this.#socket.destroyed) callback();
    else this.#drained = callback;
  }

  #writable(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  /** The peer has said GOAWAY: `payload` is its last stream id and error code. */
  #leave(role: "server" | "client", payload: Uint8Array): void {
    const view = new DataView(payload.buffer);
    if (view.byteLength < 8) return;
    const lastStreamId = view.getUint32(0) & 0x7fff_ffff;
    const code = view.getUint32(4);
    // To a server it names streams that the server pushed; gRPC has none.
    this.#lastStreamId = role === "client" ? lastStreamId : Infinity;
    this.#hasFailed ||= code !== 0;
    // Nobody waits for our half once the peer's has ended.
    this.allowHalfOpen = false;
    this.emit("goaway", code, lastStreamId);
  }

  /** Does, after a GOAWAY, what the frames that have just passed call for. */
  #settle(): void {
    if (this.#lastStreamId === undefined || this.#hasEnded) return;
    this.#refused.push(...this.#streams.takeAbove(this.#lastStreamId));
    // Later, as the HTTP/2 layer may be in the middle of sending what is refused here.
    if (this.#refused.length > 0) setImmediate(() => this.#refuse());
    if (this.#hasFailed || this.#streams.size === 0) {
      this.#timer ??= setTimeout(() => this.#finish(), QUIET_MS);
    } else {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #refuse(): void {
    if (this.#hasEnded || this.destroyed || !this.#inbound.isBetweenFrames) return;
    for (const streamId of this.#refused.splice(0)) this.push(refusal(streamId));
  }

  /** Ends the connection from this side. */
  #finish(): void {
    if (!this.#hasEnded) this.push(null);
    this.#hasEnded = true;
    this.#socket.resume();
    this.#timer = setTimeout(() => this.destroy(), FLUSH_MS);
  }

  /** The peer has ended its half. */
  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const rest = this.#inbound.rest();
    if (rest.length > 0) this.push(rest);
    this.push(null);
  }

  /** The socket is gone; what has arrived whole may still be read. */
  #closed(): void {
    if (this.#hasEnded && !this.readableEnded) this.once("end", () => this.destroy());
    else this.destroy();
  }
}
