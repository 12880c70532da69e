/**
 * Files whose sender or receiver is cut off, stopped or killed in the midst of them, or that are changed on their way:
 * as real processes, on real sockets. Whatever happens, nobody is told that it went well, and nothing half written is left under a name.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { bytesOf, streamOf } from "../../../src/codec/bench_test.ts";
import { encode } from "../../../src/codec/mod.ts";
import type { Encoding } from "../../../src/encoding.ts";
import { layCable } from "../../fixtures/cable.ts";
import { type RunningExporter, startExporter } from "../../fixtures/exporter.ts";
import { Place } from "../../fixtures/place.ts";
import { type Program, startJmp } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const flasher = { type: "jumpstarter_driver_opendal.driver.MockFlasher" };
const content = new Uint8Array(randomBytes(3 << 20));

/** An exporter with a flasher that has an image already, and a file that does not come to its end. */
interface Bench extends AsyncDisposable {
  readonly place: Place;
  readonly exporter: RunningExporter;
  /** The folder with the flasher's images. */
  images(): Promise<string>;
  /** Starts `j flasher` with these words; `port` leads to the exporter. */
  j(words: readonly string[], port?: number): Program;
  /** Sends the first half of an image, and waits until the driver writes it. */
  flashHalf(options?: { compression?: Encoding; port?: number }): Promise<Half>;
}

/** An upload in its midst. */
interface Half extends AsyncDisposable {
  readonly client: Program;
}

async function openBench(): Promise<Bench> {
  const place = await Place.open();
  const exporter = await startExporter(place, { config: { export: { flasher } } });
  await exporter.ready();
  const j = (words: readonly string[], port = exporter.port) =>
    startJmp(place, ["j", "flasher", ...words], {
      env: { ...exporter.env, JUMPSTARTER_HOST: `127.0.0.1:${port}` },
      cwd: place.dir,
    });
  const images = async () => {
    const [runtime = ""] = (await place.leftFiles()).filter((name) => name.startsWith("jumpstarter-"));
    const work = place.path("tmp", runtime, "work");
    const [folder] = await Array.fromAsync(Deno.readDir(work));
    return join(work, folder?.name ?? "");
  };
  await place.write("whole.img", "whole");
  await using first = j(["flash", "whole.img"]);
  assert.equal((await first.ended()).code, 0);
  return {
    place,
    exporter,
    images,
    j,
    async flashHalf({ compression, port } = {}) {
      const name = `half.img${compression === undefined ? "" : ".packed"}`;
      const path = await place.makePipe(name);
      const packed = compression === undefined ? content : await bytesOf(encode(streamOf(content), compression));
      const client = j(["flash", name, ...(compression === undefined ? [] : ["--compression", compression])], port);
      const pipe = await Deno.open(path, { write: true });
      const writer = pipe.writable.getWriter();
      // A client that goes breaks the pipe, which is what it should do.
      writer.closed.catch(() => {});
      writer.write(packed.slice(0, packed.length >> 1)).catch(() => {});
      const folder = await images();
      await until("the driver writes", async () => (await partSize(folder)) > 0);
      return {
        client,
        async [Symbol.asyncDispose]() {
          await client[Symbol.asyncDispose]();
          await writer.abort().catch(() => {});
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await exporter[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** How much there is of a file that is being written; -1 when there is none. */
async function partSize(folder: string): Promise<number> {
  const part = (await Array.fromAsync(Deno.readDir(folder))).find(({ name }) => name.endsWith(".part"));
  if (part === undefined) return -1;
  // It may go while one looks.
  return (await Deno.stat(join(folder, part.name)).catch(() => undefined))?.size ?? -1;
}

/** Waits until the driver has let go of the half, and finds the old image as it was. */
async function assertOldImage({ images, place, j }: Bench): Promise<void> {
  const folder = await images();
  await until("the half is gone", async () => (await partSize(folder)) === -1);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["default"]);
  assert.equal(await Deno.readTextFile(join(folder, "default")), "whole");
  // The exporter serves the next client.
  await using dump = j(["dump", "dumped.img"]);
  assert.equal((await dump.ended()).code, 0);
  assert.equal(await Deno.readTextFile(place.path("dumped.img")), "whole");
}

const encodingsOfTools: readonly (Encoding | undefined)[] = [undefined, "xz", "bz2", "zstd"];

for (const compression of encodingsOfTools) {
  const kind = compression === undefined ? "a file" : `${compression} data`;
  Deno.test(`a client is killed in the midst of ${kind}: the driver lets go of it, and of its tools`, async () => {
    await using bench = await openBench();
    await using half = await bench.flashHalf({ compression });
    half.client.signal("SIGKILL");
    assert.equal((await half.client.ended()).signal, "SIGKILL");
    await assertOldImage(bench);
    for (const tool of ["xz", "bzip2", "zstd"]) assert.deepEqual(await bench.place.leftProcesses(`${tool} -dc`), []);
  });
}

for (const [signal, wanted] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`a client that gets ${signal} gives up, and says so`, async () => {
    await using bench = await openBench();
    await using half = await bench.flashHalf();
    half.client.signal(signal);
    const { code, stdout, stderr } = await half.client.ended();
    assert.deepEqual([code, stdout, stderr], [wanted, "", "j: Interrupted\n"]);
    await assertOldImage(bench);
  });
}

Deno.test("a connection that is cut ends both ends with an error", async () => {
  await using bench = await openBench();
  await using cable = layCable(bench.exporter.port);
  await using half = await bench.flashHalf({ port: cable.port });
  cable.cut();
  const { code, stdout, stderr } = await half.client.ended();
  assert.deepEqual([code, stdout], [7, ""], stderr);
  await assertOldImage(bench);
});

Deno.test("a client that stands still is noticed, and its half let go of", async () => {
  await using bench = await openBench();
  await using half = await bench.flashHalf();
  half.client.signal("SIGSTOP");
  const folder = await bench.images();
  // By pings, which nobody answers, within 25 s.
  await until("the half is let go of", async () => (await partSize(folder)) === -1, 60_000);
  await assertOldImage(bench);
  half.client.signal("SIGCONT");
  const { code, stderr } = await half.client.ended();
  assert.equal(code, 7, stderr);
});

Deno.test("an exporter that stops ends the upload with an error, also of a client that stands still", async () => {
  for (const isStopped of [false, true]) {
    await using bench = await openBench();
    await using half = await bench.flashHalf();
    if (isStopped) half.client.signal("SIGSTOP");
    assert.equal((await bench.exporter.program.stop()).code, 0);
    assert.deepEqual(await bench.place.leftFiles(), []);
    if (isStopped) half.client.signal("SIGCONT");
    const { code, stdout } = await half.client.ended();
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
  }
});

Deno.test("an exporter that is killed leaves the old image, and its client an error", async () => {
  await using bench = await openBench();
  await using half = await bench.flashHalf();
  const folder = await bench.images();
  bench.exporter.program.signal("SIGKILL");
  const { code, stdout } = await half.client.ended();
  assert.deepEqual([code, stdout], [7, ""]);
  assert.equal(await Deno.readTextFile(join(folder, "default")), "whole");
});

Deno.test("a dump that is cut leaves no file, and what was there as it was", async () => {
  await using bench = await openBench();
  const { place, exporter, j } = bench;
  await place.write("big.img", "x".repeat(64 << 20));
  await using flash = j(["flash", "big.img"]);
  assert.equal((await flash.ended()).code, 0);
  await place.write("kept.img", "kept");
  for (const name of ["new.img", "kept.img", "new.img.xz"]) {
    await using cable = layCable(exporter.port);
    await using client = j(["dump", name], cable.port);
    await until("the file is being written", async () => (await partSize(place.dir)) > 0);
    cable.cut();
    const { code, stdout, stderr } = await client.ended();
    assert.deepEqual([code, stdout], [7, ""], stderr);
    assert.equal(await partSize(place.dir), -1);
  }
  assert.equal(await Deno.readTextFile(place.path("kept.img")), "kept");
  const names = (await Array.fromAsync(Deno.readDir(place.dir))).map(({ name }) => name);
  assert.ok(names.every((name) => !name.startsWith("new")), names.join());
  assert.deepEqual(await place.leftProcesses("xz -"), []);
});

/** Bytes of the files that are changed on their way, which nothing else on the wire has. */
const mark = Buffer.alloc(64, "mark");

/** Changes one byte of every mark that passes. */
function spoilMarks(bytes: Uint8Array<ArrayBuffer>): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = view.indexOf(mark); at >= 0; at = view.indexOf(mark, at + 1)) view.write("x", at);
}

Deno.test("a file that is changed on its way is an error at both ends, and left under no name", async () => {
  await using bench = await openBench();
  const { place, exporter, j } = bench;
  await place.write("marked.img", mark.toString().repeat(4_096));
  const damaged = /^j: The transfer is damaged: its 262144 bytes differ from what was sent\n$/;
  await using cable = layCable(exporter.port, { spoil: spoilMarks });
  const assertDamaged = async (words: readonly string[]) => {
    await using client = j(words, cable.port);
    const { code, stdout, stderr } = await client.ended();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, damaged);
  };
  await assertDamaged(["flash", "marked.img"]);
  await assertOldImage(bench);
  await using flash = j(["flash", "marked.img"]);
  assert.equal((await flash.ended()).code, 0);
  await place.write("kept.img", "kept");
  await assertDamaged(["dump", "kept.img"]);
  await assertDamaged(["dump", "new.img"]);
  assert.equal(await Deno.readTextFile(place.path("kept.img")), "kept");
  const names = (await Array.fromAsync(Deno.readDir(place.dir))).map(({ name }) => name);
  assert.ok(names.every((name) => !/new|\.part$/.test(name)), names.join());
});
