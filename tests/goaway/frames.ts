/** HTTP/2 frames, and the guard between two ends in memory. */
import { Buffer } from "node:buffer";
import { type Duplex, duplexPair } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { guardGoaway } from "../../src/rpc/goaway_guard.ts";

/** What a client says first. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** The type of the frame that is dropped. */
export const GOAWAY = 7;

/** Settings that change none: the first frame of either side. */
export const SETTINGS = frame(4, 0, 0);

/** A frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A GOAWAY; `code` 0 is no error. */
export function goaway(lastStreamId: number, code = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  return frame(GOAWAY, 0, 0, payload);
}

/** A request that is all in one frame; with `flags` 4 more is to follow. */
export function headers(streamId: number, flags = 5): Buffer {
  return frame(1, flags, streamId, Buffer.from([0x82]));
}

/** A guarded end, and the peer that it is connected to. */
export function guardedPair(role: "server" | "client", highWaterMark?: number): { guard: Duplex; peer: Duplex } {
  const [socket, peer] = duplexPair(highWaterMark === undefined ? {} : { highWaterMark });
  return { guard: guardGoaway(socket, role), peer };
}

/** What arrives, as it arrives. */
export function collect(stream: Duplex): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

/** Waits for up to 5 s. */
export async function waitUntil(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error("waited 5 s in vain");
    await delay(5);
  }
}
