import { prepareRuntimeDir } from "./runtime_dir.ts";

Deno.test("a directory that somebody has removed meanwhile does not spoil the end", async () => {
  {
    await using own = await prepareRuntimeDir({});
    await Deno.remove(own.path, { recursive: true });
  }
  const runtimeDir = await Deno.makeTempDir();
  await using _given = await prepareRuntimeDir({ runtimeDir });
  await Deno.remove(runtimeDir, { recursive: true });
});
