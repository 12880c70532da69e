/** Files between a client and an exporter of ours, each over a real socket: whole, packed, damaged, cut. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { decode, encode } from "../../../src/codec/mod.ts";
import { bytesOf, damages, sample, streamOf } from "../../../src/codec/bench_test.ts";
import { type DriverClient, JumpstarterError } from "../../../mod.ts";
import { encodings } from "../../../src/encoding.ts";
import { type FileBox, fileBoxEntry, makeFileBox, sha256Of } from "../../fixtures/file_box.ts";
import { serveFiles } from "../../fixtures/file_server.ts";
import { type LocalExporter, serveLocally } from "../../fixtures/local_exporter.ts";
import { until } from "../../fixtures/until.ts";

interface Bench extends AsyncDisposable {
  readonly box: FileBox;
  readonly client: DriverClient;
  readonly served: LocalExporter;
}

async function openBench(): Promise<Bench> {
  const box = makeFileBox();
  const served = await serveLocally({ box: fileBoxEntry, other: fileBoxEntry }, [box.drivers]);
  return {
    box,
    served,
    client: served.exporter.driver("box"),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** A sink that keeps what it was given, and how it ended. */
function keep() {
  const chunks: Uint8Array[] = [];
  const kept = {
    end: undefined as "closed" | "aborted" | undefined,
    bytes: () => bytesOf(ReadableStream.from(chunks)),
    sink: new WritableStream<Uint8Array>({
      write: (chunk) => void chunks.push(chunk),
      close: () => void (kept.end = "closed"),
      abort: () => void (kept.end = "aborted"),
    }),
  };
  return kept;
}

const whole = { bytes: sample.length, sha256: sha256Of(sample) };
/** More than what may be on its way at any moment, and as long when it is packed. */
const big = new Uint8Array(randomBytes(8 << 20));

Deno.test("a file arrives as it was sent, both ways, with nothing, little or much in it", async () => {
  await using bench = await openBench();
  for (const content of [new Uint8Array(), new Uint8Array([7]), big]) {
    const progress: number[] = [];
    const result = await bench.client.upload("write", streamOf(content, 100_000), undefined, {
      onProgress: (bytes) => progress.push(bytes),
    });
    assert.deepEqual(result, { bytes: content.length, sha256: sha256Of(content) });
    assert.equal(progress.at(-1) ?? 0, content.length);
    bench.box.content = content;
    const kept = keep();
    await bench.client.download("read", kept.sink);
    assert.equal(kept.end, "closed");
    assert.equal(sha256Of(await kept.bytes()), sha256Of(content));
  }
});

for (const compression of encodings) {
  Deno.test(`${compression}: the driver sees plain bytes, both ways`, async () => {
    await using bench = await openBench();
    const packed = await bytesOf(encode(streamOf(sample), compression));
    let sent = 0;
    const options = { compression, onProgress: (bytes: number) => void (sent = bytes) };
    assert.deepEqual(await bench.client.upload("write", streamOf(packed), undefined, options), whole);
    assert.equal(sent, packed.length);
    bench.box.content = sample;
    const kept = keep();
    await bench.client.download("read", kept.sink, undefined, options);
    const came = await kept.bytes();
    assert.ok(came.length < sample.length);
    assert.equal(sent, came.length, "it has not travelled packed");
    assert.deepEqual(await bytesOf(decode(streamOf(came), compression)), sample);
  });

  for (const [name, damage] of Object.entries(damages)) {
    Deno.test(`${compression}: ${name} is an error at the driver and at the client`, async () => {
      await using bench = await openBench();
      const packed = damage(await bytesOf(encode(streamOf(sample), compression)));
      const message = new RegExp(`^cannot unpack ${compression} data: `);
      const upload = bench.client.upload("write", streamOf(packed), undefined, { compression });
      await assert.rejects(upload, { name: "DriverError", code: "invalid_argument", message });
      const [outcome] = await bench.box.ended(1);
      assert.ok(outcome?.kind === "broken" && outcome.error instanceof Error);
      assert.match(outcome.error.message, message);
    });
  }
}

Deno.test("a source that breaks is an error at the driver, and the client's own at the client", async () => {
  await using bench = await openBench();
  const broken = new Error("the disk went dead");
  for (const compression of [undefined, ...encodings]) {
    const content = compression === undefined ? sample : await bytesOf(encode(streamOf(sample), compression));
    for (const bytes of [content, content.subarray(0, 100), new Uint8Array()]) {
      const before = bench.box.outcomes.length;
      const upload = bench.client.upload("write", streamOf(bytes, 65_536, broken), undefined, { compression });
      await assert.rejects(upload, (error) => error === broken);
      const outcomes = await bench.box.ended(before + 1);
      assert.equal(outcomes.at(-1)?.kind, "broken");
    }
  }
});

Deno.test("a sink that breaks is the client's own error, and the driver is told", async () => {
  await using bench = await openBench();
  const full = new Error("no space left");
  for (const compression of [undefined, ...encodings]) {
    const before = bench.box.outcomes.length;
    const sink = new WritableStream({ write: () => Promise.reject(full) });
    await assert.rejects(
      bench.client.download("read_endless", sink, undefined, { compression }),
      (error) => error === full,
      compression,
    );
    const outcomes = await bench.box.ended(before + 1);
    assert.equal(outcomes.at(-1)?.kind, "broken");
  }
  bench.box.content = sample;
  const unclosed = new WritableStream({ close: () => Promise.reject(full) });
  await assert.rejects(bench.client.download("read", unclosed), (error) => error === full);
});

Deno.test("a client that gives up ends the driver's file, and its own", async () => {
  await using bench = await openBench();
  const much = big.subarray(0, 5 << 20);
  for (const compression of [undefined, ...encodings]) {
    const content = compression === undefined ? much : await bytesOf(encode(streamOf(much), compression));
    const abort = new AbortController(), cancelled = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      // Enough for every unpacker to give something before it has all.
      start: (controller) => controller.enqueue(content.slice(0, 4 << 20)),
      cancel: () => cancelled.resolve(),
    });
    const before = bench.box.outcomes.length, takenBytes = bench.box.takenBytes;
    const upload = bench.client.upload("write", source, undefined, { signal: abort.signal, compression });
    await until("the driver has a part", () => bench.box.takenBytes > takenBytes);
    abort.abort();
    await assert.rejects(upload, { code: "cancelled" });
    await cancelled.promise;
    const outcomes = await bench.box.ended(before + 1);
    assert.equal(outcomes.at(-1)?.kind, "broken");
  }
});

Deno.test("a driver that fails in the midst of a file fails the download, and the sink is not closed", async () => {
  await using bench = await openBench();
  bench.box.content = sample;
  for (const compression of [undefined, ...encodings]) {
    const kept = keep();
    const download = bench.client.download("give_part", kept.sink, undefined, { compression });
    await assert.rejects(download, { name: "DriverError", message: "the board went up in smoke" });
    assert.equal(kept.end, "aborted");
  }
});

Deno.test("a driver that answers without having taken or given the whole is an error", async () => {
  await using bench = await openBench();
  bench.box.content = sample;
  await assert.rejects(bench.client.upload("take_part", streamOf(big)), { code: "io", message: /has answered before/ });
  const kept = keep();
  await assert.rejects(bench.client.download("leave_open", kept.sink), { message: /without ending the file$/ });
  assert.equal(kept.end, "aborted");
  // Nobody ever used this one, so only time can tell that nothing will come.
  await assert.rejects(bench.client.download("ignore", keep().sink), { code: "io", message: /has answered before/ });
});

Deno.test("the exporter fetches and puts what is behind a URL", async () => {
  await using bench = await openBench();
  await using server = serveFiles({ "/in.img": sample });
  assert.deepEqual(await bench.client.upload("write", { url: `${server.url}/in.img` }), whole);
  bench.box.content = sample;
  await bench.client.download("read", { url: `${server.url}/out.img`, headers: { "x-marker": "7" } });
  assert.equal(server.files.get("/out.img"), new TextDecoder().decode(sample));
  assert.equal(server.requests.at(-1)?.headers.get("x-marker"), "7");
  const refused = { name: "DriverError", code: "unavailable" };
  await assert.rejects(bench.client.upload("write", { url: `${server.url}/none?Signature=secret` }), (error) => {
    assert.ok(error instanceof JumpstarterError);
    assert.deepEqual([error.code, error.message], ["unavailable", `${server.url}/none answered 404 Not Found`]);
    return true;
  });
  await assert.rejects(bench.client.download("read", { url: `${server.url}/refuse` }), refused);
  await assert.rejects(bench.client.upload("write", { url: "file:///etc/passwd" }), { code: "invalid_argument" });
  assert.doesNotMatch(bench.served.records.map(({ message }) => message).join("\n"), /secret/);
});
