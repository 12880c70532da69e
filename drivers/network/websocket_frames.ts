/**
 * The frames of WebSocket (RFC 6455), as far as a client that carries plain bytes needs them.
 */
import { JumpstarterError } from "../../src/errors.ts";

/** What a frame is. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame, or a part of one that carries data. */
export interface WebsocketFrame {
  /** One of {@linkcode opcodes}. */
  readonly opcode: number;
  /** Its payload. */
  readonly payload: Uint8Array;
}

/** The longest payload of a control frame. */
const maxControlBytes = 125;
/** Data frames are handed on in parts of this size, so that their announced length is never believed. */
const maxPartBytes = 64 * 1024;

/** A frame as a client sends it: whole, and masked as clients must. */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const frame = new Uint8Array(2 + lengthBytes + 4 + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  const mask = crypto.getRandomValues(frame.subarray(2 + lengthBytes, 6 + lengthBytes));
  const start = 6 + lengthBytes;
  for (let at = 0; at < length; at++) frame[start + at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return frame;
}

/**
 * The frames in what a server sends. A data frame may come in several parts, each with the frame's opcode.
 *
 * @param bytes What follows the server's answer to the handshake.
 */
export async function* decodeFrames(bytes: ByteReader): AsyncGenerator<WebsocketFrame> {
  for (;;) {
    const head = await bytes.readExactly(2, "atBoundary");
    if (head === undefined) return;
    const [first = 0, second = 0] = head;
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0) throw violation("it uses an extension that was not agreed on");
    if ((second & 0x80) !== 0) throw violation("it masks its frames, as only a client may");
    const isControl = opcode >= opcodes.close;
    let left = second & 0x7f;
    if (isControl && (left > maxControlBytes || (first & 0x80) === 0)) throw violation("a control frame is too large");
    if (left === 126) left = viewOf(await bytes.readExactly(2)).getUint16(0);
    else if (left === 127) left = Number(viewOf(await bytes.readExactly(8)).getBigUint64(0));
    if (isControl) {
      yield { opcode, payload: await bytes.readExactly(left) };
      continue;
    }
    if (opcode > opcodes.binary) throw violation(`it sends frames of an unknown kind (${opcode})`);
    while (left > 0) {
      const payload = await bytes.readExactly(Math.min(left, maxPartBytes));
      left -= payload.length;
      yield { opcode, payload };
    }
  }
}

/** Reads a byte stream in pieces of a known size. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  /** Reads `stream`, which is this reader's own from now on. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next `size` bytes. With `atBoundary` the stream may end before the first of them. */
  async readExactly(size: number): Promise<Uint8Array>;
  async readExactly(size: number, atBoundary: "atBoundary"): Promise<Uint8Array | undefined>;
  async readExactly(size: number, atBoundary?: "atBoundary"): Promise<Uint8Array | undefined> {
    while (this.#held.length < size) {
      if (await this.#more()) continue;
      if (atBoundary !== undefined && this.#held.length === 0) return undefined;
      throw violation("it ends in the midst of a frame");
    }
    const bytes = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return bytes;
  }

  /** The text up to the first empty line, or an error when that is longer than `maxBytes`. */
  async readHead(maxBytes: number): Promise<string> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#held);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#held = this.#held.subarray(end + 4);
        return text.slice(0, end);
      }
      if (text.length > maxBytes) throw violation("its answer to the handshake is too long");
      if (!await this.#more()) throw violation("it ends before it has answered the handshake");
    }
  }

  /** Reads no more. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }

  async #more(): Promise<boolean> {
    const next = await this.#reader.read();
    if (next.done) return false;
    if (this.#held.length === 0) {
      this.#held = next.value;
    } else {
      const joined = new Uint8Array(this.#held.length + next.value.length);
      joined.set(this.#held);
      joined.set(next.value, this.#held.length);
      this.#held = joined;
    }
    return true;
  }
}

/** What the server does that WebSocket does not allow. */
export function violation(what: string): JumpstarterError {
  return new JumpstarterError("unavailable", `the WebSocket server does not keep to the protocol: ${what}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
