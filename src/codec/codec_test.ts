import assert from "node:assert/strict";
import {
  bigFile,
  bytesOf,
  concat,
  corrupted,
  damages,
  measure,
  sample,
  streamOf,
  toolOutput,
  zeros,
} from "./bench_test.ts";
import { isolatedTest } from "../../tests/fixtures/run_isolated.ts";
import { detectEncoding, type Encoding, encodings, isEncoding } from "../encoding.ts";
import { canDecode, canEncode, decode, encode } from "./mod.ts";

/** The command line tools that judge. */
const tools: Readonly<Record<Encoding, string>> = { gzip: "gzip", xz: "xz", bz2: "bzip2", zstd: "zstd" };

/** What is said of damage: the reason alone, and nothing of the tool that has found it. */
const oneLine = (encoding: Encoding) => new RegExp(`^cannot unpack ${encoding} data: [a-z][^:;.*]+$`);

for (const encoding of encodings) {
  const ignore = !await canDecode(encoding) || !await canEncode(encoding);
  const pack = (bytes: Uint8Array) => bytesOf(encode(streamOf(bytes), encoding));
  const unpack = (bytes: Uint8Array, chunkBytes?: number) => bytesOf(decode(streamOf(bytes, chunkBytes), encoding));
  const test = (name: string, fn: () => Promise<void>) => Deno.test({ name: `${encoding}: ${name}`, ignore, fn });

  test("what was packed is unpacked, however it was cut into chunks", async () => {
    const packed = await pack(sample);
    assert.ok(packed.length < sample.length);
    for (const chunkBytes of [packed.length, 65_536, 1_000]) assert.deepEqual(await unpack(packed, chunkBytes), sample);
    assert.deepEqual(await unpack(packed.subarray(), 1), sample);
  });

  test("the tool unpacks what is packed here, and the other way round", async () => {
    assert.deepEqual(await toolOutput(tools[encoding], ["-dc"], await pack(sample)), sample);
    assert.deepEqual(await unpack(await toolOutput(tools[encoding], ["-c"], sample)), sample);
  });

  test("several files one after another are one", async () => {
    const [packed, nothing] = await Promise.all([pack(sample), pack(new Uint8Array())]);
    assert.deepEqual(await unpack(concat(packed, nothing, packed)), concat(sample, sample));
    assert.equal((await unpack(nothing)).length, 0);
  });

  for (const [name, damage] of Object.entries(damages)) {
    test(`${name} is an error`, async () => {
      const damaged = damage(await pack(sample));
      const expected = { code: "invalid_argument", message: oneLine(encoding) };
      for (const chunkBytes of [1_000, 65_536]) await assert.rejects(unpack(damaged, chunkBytes), expected);
    });
  }

  test(`zero bytes behind the end are ${encoding === "gzip" ? "nothing" : "an error"}`, async () => {
    const packed = await pack(sample);
    for (const count of [1, 3, 511, 100_001]) {
      const filledUp = concat(packed, packed, zeros(count));
      for (const chunkBytes of [packed.length, 1_000, filledUp.length]) {
        const unpacking = unpack(filledUp, chunkBytes);
        if (encoding === "gzip") assert.deepEqual(await unpacking, concat(sample, sample));
        else await assert.rejects(unpacking, { code: "invalid_argument", message: oneLine(encoding) });
      }
    }
  });

  test("data of another encoding, or of none, is an error that says so", async () => {
    const other = encoding === "gzip" ? "zstd" : "gzip";
    const packed = await bytesOf(encode(streamOf(sample), other));
    await assert.rejects(unpack(packed), { message: `cannot unpack ${encoding} data: it is ${other} data` });
    const plain = `cannot unpack ${encoding} data: it does not begin like ${encoding}`;
    await assert.rejects(unpack(sample), { message: plain });
  });

  test("a source that breaks passes its own error on", async () => {
    const broken = new Error("the line went dead");
    const packed = await pack(sample);
    const isBroken = (error: unknown) => error === broken;
    // Even where all of the file had come.
    await assert.rejects(bytesOf(decode(streamOf(packed, 10_000, broken), encoding)), isBroken);
    await assert.rejects(bytesOf(decode(streamOf(packed.subarray(0, 3), 10_000, broken), encoding)), isBroken);
    await assert.rejects(bytesOf(encode(streamOf(sample, 10_000, broken), encoding)), isBroken);
  });

  test("a reader that goes away cancels the source, also while it waits for it", async () => {
    const packed = await pack(sample);
    for (const work of [decode, encode]) {
      for (const hasStarted of [false, true]) {
        const taken = Promise.withResolvers<void>(), cancelled = Promise.withResolvers<unknown>();
        const source = new ReadableStream<Uint8Array>({
          start: (controller) => controller.enqueue(packed.slice(0, 5_000)),
          pull: () => taken.resolve(),
          cancel: (reason) => cancelled.resolve(reason),
        });
        const reader = work(source, encoding).getReader();
        if (hasStarted) void reader.read().catch(() => {});
        if (hasStarted) await taken.promise;
        await reader.cancel("enough");
        assert.equal(await cancelled.promise, "enough");
      }
    }
  });

  test("a slow reader stops the source", async () => {
    const { stream, takenBytes } = bigFile(64);
    const reader = decode(encode(stream, encoding), encoding).getReader();
    assert.ok((await reader.read()).value?.length);
    // What was taken stands in pipes and in the packer's window; most of the file is still to come.
    assert.ok(takenBytes() < 32 << 20, `${takenBytes()} bytes were taken`);
    await reader.cancel();
  });

  if (!ignore) {
    isolatedTest(import.meta.url, `${encoding}: 64 MiB pass in bounded memory`, async () => {
      const packed = await bytesOf(encode(bigFile(64, 4_096).stream, encoding)); // few are packed fast
      const rssBytes = Deno.memoryUsage().rss;
      const { bytes, rssBytesMax } = await measure(decode(streamOf(packed), encoding));
      assert.equal(bytes, 64 << 20);
      assert.ok(rssBytesMax - rssBytes < 48 << 20, `${(rssBytesMax - rssBytes) >> 20} MiB were held`);
    });
  }
}

const xzSample = await canEncode("xz") ? await bytesOf(encode(streamOf(sample), "xz")) : undefined;

Deno.test({
  name: "xz without its tool: what was packed is unpacked, and damage is an error in the same words",
  ignore: xzSample === undefined,
  permissions: { run: false },
  async fn() {
    const packed = xzSample ?? new Uint8Array();
    const unpack = (bytes: Uint8Array) => bytesOf(decode(streamOf(bytes), "xz"));
    assert.deepEqual(await unpack(packed), sample);
    for (const damage of Object.values(damages)) {
      await assert.rejects(unpack(damage(packed)), { code: "invalid_argument", message: oneLine("xz") });
    }
    await assert.rejects(unpack(packed.subarray(0, -1)), { message: /unexpected end of input$/ });
    await assert.rejects(unpack(corrupted(packed, packed.length >> 1)), { message: /compressed data is corrupt$/ });
  },
});

Deno.test("gzip: what is behind the end is named", async () => {
  const packed = await bytesOf(encode(streamOf(sample), "gzip"));
  for (const rest of [concat(zeros(512), packed), concat(zeros(100_000), packed.subarray(0, 1))]) {
    const unpacking = bytesOf(decode(streamOf(concat(packed, rest), 10_000), "gzip"));
    await assert.rejects(unpacking, { message: "cannot unpack gzip data: trailing garbage" });
  }
});

isolatedTest(import.meta.url, "gzip: 256 MiB of zero bytes behind the end pass in bounded memory", async () => {
  const packed = await bytesOf(encode(streamOf(sample), "gzip"));
  let left = 4_096;
  const filledUp = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(packed),
    pull(controller) {
      controller.enqueue(zeros(65_536));
      if (--left === 0) controller.close();
    },
  }, { highWaterMark: 0 });
  const rssBytes = Deno.memoryUsage().rss;
  assert.deepEqual(await bytesOf(decode(filledUp, "gzip")), sample);
  assert.equal(left, 0);
  const heldBytes = Deno.memoryUsage().rss - rssBytes;
  assert.ok(heldBytes < 128 << 20, `${heldBytes >> 20} MiB were held`);
});

Deno.test("an encoding is told by its first bytes", async () => {
  for (const encoding of encodings) {
    if (!await canEncode(encoding)) continue;
    assert.equal(detectEncoding(await bytesOf(encode(streamOf(sample), encoding))), encoding);
  }
  assert.equal(detectEncoding(new Uint8Array()), undefined);
  assert.equal(detectEncoding(new TextEncoder().encode("hello, world")), undefined);
});

Deno.test("no other name is taken for an encoding", () => {
  assert.ok(encodings.every(isEncoding));
  for (const name of ["", "constructor", "GZIP", undefined, 1]) assert.equal(isEncoding(name), false);
});
