/** Streams bytes through one of node:zlib's transforms. */
import type { Buffer } from "node:buffer";
import { once } from "node:events";
import type { Transform } from "node:stream";

/** A transform of node:zlib, which counts what it has taken. */
export type ZlibTransform = Transform & { readonly bytesWritten: number };

/**
 * What `transform` makes of `bytes`. Unlike `pipeThrough`, it notices when the transform ends before its input:
 * gunzip takes a zero byte behind the data for the end of everything, and forgets what follows.
 */
export function streamThroughZlib(
  bytes: ReadableStream<Uint8Array>,
  transform: ZlibTransform,
): ReadableStream<Uint8Array> {
  const source = bytes.getReader();
  let givenBytes = 0;
  const feed = async () => {
    for (;;) {
      const { value } = await source.read();
      if (value === undefined) break;
      givenBytes += value.length;
      if (!transform.write(value)) await once(transform, "drain");
    }
    transform.end();
  };
  // Its errors arrive at its reader; but one that nobody listens to ends the program.
  transform.on("error", () => {});
  feed().catch((error) => transform.destroy(error instanceof Error ? error : new Error(String(error))));
  const output = transform[Symbol.asyncIterator]() as AsyncIterator<Buffer>;

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await output.next();
      if (!done) return controller.enqueue(value);
      if (transform.bytesWritten !== givenBytes) throw new Error("trailing garbage");
      controller.close();
    },
    async cancel(reason) {
      transform.destroy();
      await source.cancel(reason).catch(() => {/* it has failed by itself, and nobody reads it any more */});
    },
  }, { highWaterMark: 0 });
}
