import assert from "node:assert/strict";
import { sha256Of } from "../../tests/fixtures/file_box.ts";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { FlasherClient } from "./client.ts";
import { flasher } from "./mod.ts";

const entry = { type: "jumpstarter_driver_opendal.driver.MockFlasher" };
const image = new Uint8Array(300_000).map((_, index) => index * 7 >> 3);
const report = { bytes: image.length, sha256: sha256Of(image) };

const streamOf = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();

/** What a flasher has. */
async function dumped(client: FlasherClient, target?: string): Promise<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const bytes = new Response(readable).bytes();
  bytes.catch(() => {/* told by the dump */});
  await client.dump(writable as WritableStream<Uint8Array>, { target });
  return await bytes;
}

Deno.test("an image is written, reported and read back, each part by itself", async () => {
  await using bench = await serveLocally({ flasher: entry }, [flasher]);
  const client = bench.exporter.driver("flasher", FlasherClient);
  assert.deepEqual(await client.flash(streamOf(image)), report);
  const boot = image.subarray(0, 5);
  assert.deepEqual(await client.flash(streamOf(boot), { target: "boot" }), { bytes: 5, sha256: sha256Of(boot) });
  assert.deepEqual(await dumped(client), image);
  assert.deepEqual(await dumped(client, "default"), image);
  assert.deepEqual(await dumped(client, "boot"), boot);
  assert.deepEqual(await client.dump(new WritableStream()), report);
  assert.ok(bench.records.some(({ message }) => message === `flashed 5 bytes to "boot", sha256 ${sha256Of(boot)}`));
});

Deno.test("an image that breaks off leaves what was there", async () => {
  await using bench = await serveLocally({ flasher: entry }, [flasher]);
  const client = bench.exporter.driver("flasher", FlasherClient);
  const broken = new Error("the disk went dead");
  const flash = () =>
    client.flash(
      new ReadableStream({
        start: (controller) => controller.enqueue(image),
        pull: (controller) => controller.error(broken),
      }, { highWaterMark: 0 }),
    );
  await assert.rejects(flash(), (error) => error === broken);
  await assert.rejects(dumped(client), { message: 'nothing has been flashed to "default" yet' });
  await client.flash(streamOf(image));
  await assert.rejects(flash(), (error) => error === broken);
  assert.deepEqual(await dumped(client), image);
});

Deno.test("a part's name is no way out of the folder", async () => {
  await using bench = await serveLocally({ flasher: entry }, [flasher]);
  const client = bench.exporter.driver("flasher", FlasherClient);
  for (const target of ["../x", "/etc/x", "..", ".", "", "a\0b", "a\\b", "x".repeat(201)]) {
    await assert.rejects(client.flash(streamOf(image), { target }), { code: "invalid_argument" });
    await assert.rejects(client.dump(new WritableStream(), { target }), { code: "invalid_argument" });
  }
});

Deno.test("what is no file is refused at once, also while another image is being written", async () => {
  await using bench = await serveLocally({ flasher: entry }, [flasher]);
  const client = bench.exporter.driver("flasher", FlasherClient);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const flash = client.flash(readable);
  const writer = writable.getWriter();
  await writer.write(image); // taken by the driver
  for (const method of ["flash", "dump"]) {
    for (const file of [1, "boot.img", null, { kind: "presigned_request" }]) {
      await assert.rejects(client.call(method, [file], { timeoutMs: 10_000 }), {
        code: "invalid_argument",
        message: `flasher.${method}: argument 1 must stand for a file`,
      });
    }
  }
  await writer.close();
  assert.deepEqual(await flash, report);
});

Deno.test("the part may be left out on the wire", async () => {
  await using bench = await serveLocally({ flasher: entry }, [flasher]);
  const client = bench.exporter.driver("flasher");
  assert.deepEqual(await client.upload("flash", streamOf(image)), report);
  assert.deepEqual(await client.download("dump", new WritableStream()), report);
});
