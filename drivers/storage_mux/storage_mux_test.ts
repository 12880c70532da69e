import assert from "node:assert/strict";
import { sha256Of } from "../../tests/fixtures/file_box.ts";
import { type LocalExporter, serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { call, defineDriver } from "../../src/driver/mod.ts";
import { StorageMuxClient, StorageMuxFlasherClient } from "./client.ts";
import { storageMux } from "./mod.ts";
import { mockStorageMuxFlasher } from "./driver.ts";

const entries = {
  stick: { type: "jumpstarter_driver_opendal.driver.MockStorageMux" },
  sdcard: { type: "jumpstarter_driver_opendal.driver.MockStorageMuxFlasher" },
};
const image = new Uint8Array(300_000).map((_, index) => index * 7 >> 3);
const report = { bytes: image.length, sha256: sha256Of(image) };

const streamOf = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();

/** What the drivers have logged, failures apart. */
const events = ({ records }: LocalExporter) =>
  records.filter(({ source, severity }) => source === "driver" && severity === "INFO").map(({ message }) => message);

Deno.test("storage is switched, written and read", async () => {
  await using bench = await serveLocally(entries, [storageMux]);
  const mux = bench.exporter.driver("stick", StorageMuxClient);
  const empty = { bytes: 0, sha256: sha256Of(new Uint8Array()) };
  assert.deepEqual(await mux.read(new WritableStream()), empty);
  await mux.host();
  assert.deepEqual(await mux.write(streamOf(image)), report);
  assert.deepEqual(await mux.read(new WritableStream()), report);
  await mux.dut();
  await mux.off();
  const wrote = `wrote ${report.bytes} bytes, sha256 ${report.sha256}`;
  assert.deepEqual(events(bench), ["storage to the host", wrote, "storage to the device", "storage off"]);
});

Deno.test("an image is written while the exporter has the storage, and it goes back to the device", async () => {
  await using bench = await serveLocally(entries, [storageMux]);
  const mux = bench.exporter.driver("sdcard", StorageMuxFlasherClient);
  assert.deepEqual(await mux.flash(streamOf(image)), report);
  assert.deepEqual(await mux.dump(new WritableStream()), report);
  const [first, , second, ...rest] = events(bench);
  assert.deepEqual([first, second], ["storage to the host", "storage to the device"]);
  assert.deepEqual(rest, ["storage to the host", "storage to the device"]);
  const whole = { code: "usage", message: 'there is no target "boot": the storage is one piece' };
  await assert.rejects(mux.flash(streamOf(image), { target: "boot" }), whole);
  await assert.rejects(mux.dump(new WritableStream(), { target: "boot" }), whole);
  assert.equal(events(bench).length, 5);
});

Deno.test("the storage goes back also when the image is not written, and when the user gives up", async () => {
  await using bench = await serveLocally(entries, [storageMux]);
  const mux = bench.exporter.driver("sdcard", StorageMuxFlasherClient);
  const broken = new Error("the disk went dead");
  const source = () => new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(broken) });
  await assert.rejects(mux.flash(source()), (error) => error === broken);
  const abort = new AbortController();
  const waiting = new ReadableStream<Uint8Array>({ pull: () => abort.abort() }, { highWaterMark: 0 });
  await assert.rejects(mux.flash(waiting, { signal: abort.signal }), { code: "cancelled" });
  const twice = ["storage to the host", "storage to the device", "storage to the host", "storage to the device"];
  assert.deepEqual(events(bench), twice);
  assert.deepEqual((await mux.dump(new WritableStream()))?.bytes, 0);
});

Deno.test("who is told that the image is not written is told as well that the storage is not back", async () => {
  const stuck = defineDriver({
    ...mockStorageMuxFlasher,
    methods: {
      ...mockStorageMuxFlasher.methods,
      dut: call({
        run() {
          throw new Error("the relay hangs");
        },
      }),
    },
  });
  const type = mockStorageMuxFlasher.type;
  const drivers = { ...storageMux, drivers: { ...storageMux.drivers, [type]: () => Promise.resolve(stuck) } };
  await using bench = await serveLocally(entries, [drivers]);
  const mux = bench.exporter.driver("sdcard", StorageMuxFlasherClient);
  const broken = new Error("the disk went dead");
  const source = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(broken) });
  await assert.rejects(mux.flash(source), {
    message: "the disk went dead",
    hint: "the storage is not back at the device (the relay hangs): give it back with dut",
    cause: broken,
  });
});
