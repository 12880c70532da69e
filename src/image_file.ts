/**
 * The image of a device, kept in a file.
 *
 * Permissions: to read and write the file and its directory.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { AtomicFile } from "./atomic_file.ts";
import { fileStream } from "./file_stream.ts";

/** What was written to a device, or read from it. */
export interface ImageReport {
  /** How many bytes. */
  readonly bytes: number;
  /** Their SHA-256, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes `source` to the file at `path`. The file is what it was before until all of it has come and is on the disk;
 * a source that breaks changes nothing.
 *
 * @param signal Who no longer wants it by then leaves it as it was.
 * @throws What the source throws, and what the system says of the file.
 */
export async function writeImage(
  path: string,
  source: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<ImageReport> {
  await using file = await AtomicFile.create(path, { mode: 0o600 });
  const { transform, report } = digesting();
  for await (const bytes of source.pipeThrough(transform)) await file.write(bytes);
  signal?.throwIfAborted();
  await file.commit();
  return report();
}

/**
 * Writes the file at `path` to `sink`, and closes it; aborts it where that is not possible.
 *
 * @throws What the sink throws, and what the system says of the file.
 */
export async function readImage(path: string, sink: WritableStream<Uint8Array>): Promise<ImageReport> {
  const file = await Deno.open(path).catch(async (error) => {
    await sink.abort(error);
    throw error;
  });
  const { transform, report } = digesting();
  await fileStream(file).pipeThrough(transform).pipeTo(sink);
  return report();
}

function digesting(): { transform: TransformStream<Uint8Array, Uint8Array>; report: () => ImageReport } {
  const hash = createHash("sha256");
  let length = 0;
  const transform = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      hash.update(bytes);
      length += bytes.length;
      controller.enqueue(bytes);
    },
  });
  return { transform, report: () => ({ bytes: length, sha256: hash.digest("hex") }) };
}
