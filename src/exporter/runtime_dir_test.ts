import assert from "node:assert/strict";
import { join } from "node:path";
import { missingSmallDisk, mountSmallDisk } from "../../tests/fixtures/small_disk.ts";
import { prepareRuntimeDir } from "./runtime_dir.ts";

const noDisk = await missingSmallDisk();

Deno.test("a directory that somebody has removed meanwhile does not spoil the end", async () => {
  {
    await using own = await prepareRuntimeDir({});
    await Deno.remove(own.path, { recursive: true });
  }
  const runtimeDir = await Deno.makeTempDir();
  await using _given = await prepareRuntimeDir({ runtimeDir });
  await Deno.remove(runtimeDir, { recursive: true });
});

Deno.test({
  name: `what cannot be removed of an earlier run is told${noDisk === undefined ? "" : ` (not run: ${noDisk})`}`,
  ignore: noDisk !== undefined,
  async fn() {
    const runtimeDir = await Deno.makeTempDir();
    try {
      await Deno.mkdir(join(runtimeDir, "work"));
      {
        await using _disk = await mountSmallDisk(join(runtimeDir, "work"));
        const says = new RegExp(`^JumpstarterError: Cannot use the directory ${runtimeDir}: .*busy`);
        await assert.rejects(prepareRuntimeDir({ runtimeDir }), says);
      }
      await using _own = await prepareRuntimeDir({ runtimeDir }); // it is not locked any more
    } finally {
      await Deno.remove(runtimeDir, { recursive: true });
    }
  },
});
