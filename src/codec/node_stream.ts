/** Streams bytes through one of node:zlib's transforms. */
import type { Buffer } from "node:buffer";
import type { Transform } from "node:stream";

/** A transform of node:zlib, which counts what it has taken. */
export type ZlibTransform = Transform & { readonly bytesWritten: number };

/**
 * What `transform` makes of `bytes`. Unlike `pipeThrough`, it notices when the transform ends before its input: gunzip
 * takes a zero byte behind the data for the end of everything, and forgets what follows.
 */
export function streamThroughZlib(
  bytes: ReadableStream<Uint8Array>,
  transform: ZlibTransform,
): ReadableStream<Uint8Array> {
  const source = bytes.getReader();
  // Its errors arrive at its reader; but one that nobody listens to ends the program.
  transform.on("error", () => {});
  const fed = feed(source, transform);
  fed.catch((error) => transform.destroy(error instanceof Error ? error : new Error(String(error))));
  const output = transform[Symbol.asyncIterator]() as AsyncIterator<Buffer>;

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await output.next();
      if (!done) return controller.enqueue(value);
      await fed;
      controller.close();
    },
    async cancel(reason) {
      transform.destroy();
      await source.cancel(reason).catch(() => {/* it has failed by itself, and nobody reads it any more */});
    },
  }, { highWaterMark: 0 });
}

/**
 * Gives the transform all of the source. Of what it does not take, only zero bytes are nothing: tapes and disks fill up
 * their last block with them.
 */
async function feed(source: ReadableStreamDefaultReader<Uint8Array>, transform: ZlibTransform): Promise<void> {
  let givenBytes = 0, hasEnded = false;
  for (let next = await source.read(); !next.done; next = await source.read()) {
    let rest = next.value;
    if (!hasEnded) {
      givenBytes += rest.length;
      await write(transform, rest);
      rest = rest.subarray(rest.length - (givenBytes - transform.bytesWritten));
      hasEnded = rest.length > 0;
    }
    if (rest.some((byte) => byte !== 0)) throw new Error("trailing garbage");
  }
  transform.end();
}

/** Writes to a transform, and waits until it has taken of `bytes` what it takes. */
function write(transform: ZlibTransform, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => transform.write(bytes, (error) => error ? reject(error) : resolve()));
}
