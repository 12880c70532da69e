import type { ByteStream } from "../../src/driver/mod.ts";
import { type Pace, piecesOf } from "./pace.ts";
import type { Direction } from "./shared_port.ts";

/** A port that is connected with itself: what is sent comes back, and its end is the end. */
export function openLoop(direction: Direction, pace: Pace | undefined): ByteStream {
  const loop = new TransformStream<Uint8Array, Uint8Array>();
  const writer = loop.writable.getWriter();
  const writable = new WritableStream<Uint8Array>({
    start({ signal }) {
      signal.addEventListener("abort", () => void writer.abort(signal.reason).catch(() => {/* it has ended */}));
    },
    async write(bytes, { signal }) {
      for (const piece of piecesOf(bytes, pace?.pieceBytes)) {
        await pace?.turn(piece.length, signal);
        if (direction === "both") await writer.write(piece);
      }
    },
    close: () => writer.close(),
  });
  return { readable: loop.readable, writable };
}
