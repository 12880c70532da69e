/** What the tests of this room share: bytes as streams, damage to them, and the command line tools that judge. */
import { randomBytes } from "node:crypto";

/** A third of a MiB that packs to about half: several blocks of every encoding but bz2. */
export const sample: Uint8Array = new TextEncoder().encode(randomBytes(180_000).toString("hex"));

/** What may happen to a packed file on its way; each must be noticed. */
export const damages: Readonly<Record<string, (packed: Uint8Array) => Uint8Array>> = {
  "nothing at all": () => new Uint8Array(),
  "a file cut off in its middle": (packed) => packed.subarray(0, packed.length >> 1),
  "a file without its last byte": (packed) => packed.subarray(0, -1),
  "a file cut off in its header": (packed) => packed.subarray(0, 3),
  "one bit changed in the middle": (packed) => corrupted(packed, packed.length >> 1),
  "one bit changed near the end": (packed) => corrupted(packed, packed.length - 3),
  "garbage behind the end": (packed) => concat(packed, new TextEncoder().encode("garbage!")),
  "zero bytes and garbage behind the end": (packed) => concat(packed, zeros(512), new TextEncoder().encode("garbage!")),
  "another file behind zero bytes": (packed) => concat(packed, zeros(3), packed),
  "a second file cut off": (packed) => concat(packed, packed.subarray(0, 50_000)),
  "garbage behind a second file": (packed) => concat(packed, packed, new TextEncoder().encode("garbage!")),
};

/** So many zero bytes, in memory that has been touched. */
export const zeros = (count: number): Uint8Array => new Uint8Array(count).fill(1).fill(0);

/** A copy with one bit changed. */
export function corrupted(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
}

/** Bytes as a stream of chunks; it ends with `error` if one is given. */
export function streamOf(bytes: Uint8Array, chunkBytes = 65_536, error?: Error): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream({
    pull(controller) {
      if (position < bytes.length) controller.enqueue(bytes.slice(position, position += chunkBytes));
      else if (error === undefined) controller.close();
      else controller.error(error);
    },
  }, { highWaterMark: 0 });
}

/** A stream of `size` MiB, some of each 64 KiB random, that counts what was taken of it. */
export function bigFile(
  sizeMiB: number,
  randomPart = 32_768,
): { stream: ReadableStream<Uint8Array>; takenBytes(): number } {
  let left = sizeMiB * 16;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(concat(randomBytes(randomPart), new Uint8Array(65_536 - randomPart)));
      if (--left === 0) controller.close();
    },
  }, { highWaterMark: 0 });
  return { stream, takenBytes: () => (sizeMiB * 16 - left) * 65_536 };
}

/** All that a stream gives. */
export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

/** How much a stream gives, and the most memory that this process held meanwhile. */
export async function measure(stream: ReadableStream<Uint8Array>): Promise<{ bytes: number; rssBytesMax: number }> {
  let [bytes, rssBytesMax] = [0, 0];
  for await (const chunk of stream) {
    bytes += chunk.length;
    rssBytesMax = Math.max(rssBytesMax, Deno.memoryUsage().rss);
  }
  return { bytes, rssBytesMax };
}

/** What a command line tool makes of `input`. */
export async function toolOutput(command: string, args: readonly string[], input: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command(command, { args: [...args], stdin: "piped", stdout: "piped" }).spawn();
  const [{ stdout, success }] = await Promise.all([child.output(), streamOf(input).pipeTo(child.stdin)]);
  if (!success) throw new Error(`${command} failed`);
  return stdout;
}

/** Several byte arrays as one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}
