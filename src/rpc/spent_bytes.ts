/**
 * Gives back the memory of bytes that have been passed on, instead of leaving it to the garbage collector.
 *
 * A file on its way is copied into new memory by each layer that it passes: message, gRPC, HTTP/2, socket. V8 does not
 * see how short these live; it counts their bytes, and looks through the whole heap after every 64 MB of them, which
 * took a third of all time.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { onHttp2Stream } from "./http2_streams.ts";

/** What is smaller may share its memory with others, and costs little. */
const LEAST_BYTES = 8 * 1024;

/**
 * Gives back the memory of `bytes`, which are empty from then on. It must be theirs alone, and nobody may look at them
 * again; parts of something larger stay as they are.
 */
export function release(bytes: unknown): void {
  if (!(bytes instanceof Uint8Array) || bytes.byteLength < LEAST_BYTES) return;
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * Releases what gRPC writes to its HTTP/2 streams, and what HTTP/2 writes to the socket and reads from it, once it has
 * been passed on. Each piece is made for this purpose alone.
 *
 * @param socket A connected socket.
 * @param mended What HTTP/2 is given for it: the socket itself, or what stands in front of it, whose writes end before
 * the socket has taken them.
 */
export function releasePassed(socket: Duplex, mended: Duplex): void {
  releaseWrites(socket);
  onHttp2Stream(mended, releaseWrites);
  releaseReads(mended);
}

function releaseReads(socket: Duplex): void {
  const emit = socket.emit.bind(socket);
  // Not by a listener of its own: it would have the socket flow before HTTP/2 listens.
  socket.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    const isHeard = emit(name, ...args);
    if (name === "data") release(args[0]);
    return isHeard;
  };
}

function releaseWrites(stream: Duplex): void {
  const { _write, _writev } = stream;
  stream._write = (chunk, encoding, callback) =>
    _write.call(stream, chunk, encoding, (error) => {
      release(chunk);
      callback(error);
    });
  stream._writev &&= (chunks, callback) => {
    const written = chunks.map(({ chunk }) => chunk); // a socket makes another array of this one
    _writev?.call(stream, chunks, (error) => {
      written.forEach(release);
      callback(error);
    });
  };
}
