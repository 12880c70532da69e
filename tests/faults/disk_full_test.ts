/** The exporter's disk is full in the midst of a file: an error for the client, and what was there before as it was. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { holdingsOf } from "../fixtures/fault_bench.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";
import { missingSmallDisk, mountSmallDisk } from "../fixtures/small_disk.ts";

const noDisk = await missingSmallDisk();
const openDal = "jumpstarter_driver_opendal.driver";

Deno.test({
  name: `a disk that is full${noDisk === undefined ? "" : ` (not run: ${noDisk})`}`,
  ignore: noDisk !== undefined,
  async fn(t) {
    await using place = await Place.open();
    const root = place.path("storage"), runtime = place.path("runtime");
    await Deno.mkdir(root);
    await Deno.mkdir(runtime);
    await using _storage = await mountSmallDisk(root);
    await using _work = await mountSmallDisk(runtime);
    await using exporter = await startExporter(place, {
      config: {
        export: {
          storage: { type: `${openDal}.Opendal`, config: { scheme: "fs", kwargs: { root } } },
          mux: { type: `${openDal}.MockStorageMuxFlasher` },
          flasher: { type: `${openDal}.MockFlasher` },
        },
      },
      args: ["--runtime-dir", runtime],
    });
    await exporter.ready();
    const before = await holdingsOf(exporter.program.pid);
    const j = (...words: string[]) => runJmp(place, ["j", ...words], { env: exporter.env, cwd: place.dir });
    await place.write("small.img", "small");
    await place.write("big.img", "x".repeat(3 << 20));
    const parts = async (dir: string) =>
      (await Array.fromAsync(Deno.readDir(dir))).filter(({ name }) => name.endsWith(".part")).length;
    const work = join(runtime, "work");
    const rows = [
      {
        name: "storage",
        put: (file: string) => ["storage", "write-from-path", "kept.img", file],
        get: ["storage", "read-into-path", "kept.img", "got.img"],
      },
      { name: "mux", put: (file: string) => ["mux", "flash", file], get: ["mux", "dump", "got.img"] },
      { name: "flasher", put: (file: string) => ["flasher", "flash", file], get: ["flasher", "dump", "got.img"] },
    ];
    for (const { name, put, get } of rows) {
      await t.step(name, async () => {
        const whole = await j(...put("small.img"));
        assert.equal(whole.code, 0, whole.stderr);
        for (let count = 0; count < 2; count++) {
          assertBriefError(await j(...put("big.img")), { code: 1, says: /no space (is )?left/i, program: "j" });
        }
        await until("nothing half written is left", async () => await parts(root) + await parts(work) === 0);
        await Deno.remove(place.path("got.img")).catch(() => {});
        const got = await j(...get);
        assert.equal(got.code, 0, got.stderr);
        assert.equal(await Deno.readTextFile(place.path("got.img")), "small");
      });
    }
    await until("it holds what it did", async () => {
      return JSON.stringify(await holdingsOf(exporter.program.pid)) === JSON.stringify(before);
    });
    const { code, stderr } = await exporter.program.stop();
    assert.equal(code, 0, stderr);
  },
});
