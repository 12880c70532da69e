/** Files that are being written, and what is left of them when an exporter is killed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../mod.ts";
import { newPartName } from "../../src/part_file.ts";
import { startExporter } from "../../tests/fixtures/exporter.ts";
import { until } from "../../tests/fixtures/until.ts";
import { Place } from "../../tests/fixtures/place.ts";
import { client, serveStorages, type } from "./bench_test.ts";
import { OpendalClient } from "./client.ts";
import { openFsStorage } from "./fs_storage.ts";
import { Bench, calm, failsWith, openFolder, treeOf } from "./storage_bench_test.ts";
import { parsePath } from "./storage_path.ts";

for (const isHeld of [undefined, false]) {
  const kind = isHeld === undefined ? "" : " (by path)";

  Deno.test(`a file that is being written is nothing to clients${kind}`, async () => {
    await using folder = await openFolder();
    await using bench = new Bench(await openFsStorage(folder.path, isHeld));
    await using writer = await bench.storage.openWriter(parsePath("d/new"), calm);
    await writer.write(new Uint8Array(10));
    const part = (await treeOf(folder.path)).at(-1) ?? "";
    assert.match(part, /^d\/\.new\..+\.part$/);
    assert.deepEqual(await bench.list("/", true), ["/", "d/"]);
    assert.equal(await bench.look(part), "invalid_argument");
    const refusals = [
      () => bench.read(part),
      () => bench.write(part, "mine"),
      () => bench.do("delete", part),
      () => bench.do("removeAll", part),
      () => bench.do("createDir", part),
      () => bench.move("rename", part, "stolen"),
      () => bench.move("copy", part, "stolen"),
    ];
    for (const refusal of refusals) {
      assert.match(await failsWith("invalid_argument", refusal()), /is the name of a file that is being written$/);
    }
    await writer.commit();
    assert.deepEqual(await bench.list("/", true), ["/", "d/", "d/new"]);
  });

  Deno.test(`what was left is removed, and what others write in the same folder is not${kind}`, async () => {
    await using folder = await openFolder();
    await using one = new Bench(await openFsStorage(folder.path, isHeld));
    await using writer = await one.storage.openWriter(parsePath("deep/er/new"), calm);
    await writer.write(new Uint8Array(10));
    const lefts = ["", "deep/", "deep/er/"].map((dir) => join(folder.path, dir, newPartName("left")));
    for (const left of lefts) await Deno.writeTextFile(left, "half");
    await using _other = new Bench(await openFsStorage(folder.path, isHeld));
    const areLeft = () => Promise.all(lefts.map((left) => Deno.stat(left).then(() => true, () => false)));
    await until("the others are gone", async () => !(await areLeft()).includes(true));
    await writer.commit();
    assert.deepEqual(await treeOf(folder.path), ["deep/", "deep/er/", "deep/er/new"]);
  });
}

Deno.test("what cannot be discarded is told in the log, with the reason", async () => {
  await using folder = await openFolder();
  await using bench = await serveStorages({ storage: { scheme: "fs", kwargs: { root: folder.path } } });
  await client(bench).open("new", "wb");
  const [part = ""] = await treeOf(folder.path);
  await Deno.remove(join(folder.path, part));
  await Deno.mkdir(join(folder.path, part, "in the way"), { recursive: true });
  await bench.exporter[Symbol.asyncDispose]();
  await until("it is told", () => bench.records.some(({ message }) => /"new"/.test(message)));
  const told = bench.records.filter(({ message }) => /"new"/.test(message));
  assert.deepEqual(told.map(({ severity }) => severity), ["WARNING"]);
  assert.match(told[0]?.message ?? "", /^cannot let go of "new", whose client has gone: .*not empty/);
});

Deno.test("the next exporter on a folder removes what one that was killed had begun to write", async () => {
  await using place = await Place.open();
  const root = place.path("files");
  const config = { export: { storage: { type, config: { scheme: "fs", kwargs: { root } } } } };
  {
    await using killed = await startExporter(place, { config });
    await killed.ready();
    await using client = await connect(killed.address, { insecure: true });
    const storage = client.driver("storage", OpendalClient);
    await storage.write("images/whole", "whole");
    const file = await storage.open("images/half", "wb");
    await file.write("half");
    killed.program.signal("SIGKILL");
    await killed.program.ended();
    assert.match((await treeOf(root)).join(), /^images\/,images\/\.half\..+\.part,images\/whole$/);
  }
  await using next = await startExporter(place, { config });
  await next.ready();
  await until("it is gone", async () => (await treeOf(root)).join() === "images/,images/whole");
});
