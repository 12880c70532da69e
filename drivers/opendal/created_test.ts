/** What clients have made: how it is told, and how it is taken away. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { client, openFolder, serveStorages, treeOf } from "./bench_test.ts";

Deno.test("what clients have made is told, each under its last name", async () => {
  await using bench = await serveStorages({ storage: { scheme: "memory" } });
  const storage = client(bench);
  assert.deepEqual(await storage.createdResources(), []);
  await storage.write("/b//c/../file", "x");
  await storage.write("b/other", "x");
  await storage.createDir("dir/deep");
  await storage.copy("b/file", "copy");
  await storage.rename("copy", "renamed");
  await storage.registerPath("/by//hand/");
  assert.deepEqual(await storage.createdResources(), ["b/file", "b/other", "by/hand", "dir/deep", "renamed"]);
  await storage.rename("b", "z");
  await storage.delete("z/other");
  await storage.removeAll("dir");
  assert.deepEqual(await storage.createdResources(), ["by/hand", "renamed", "z/file"].sort().concat("z").sort());
});

/** What is left of a folder that had `old/kept` in it, when clients have used it and the exporter has stopped. */
async function leftAfter(
  use: (storage: ReturnType<typeof client>, path: string) => Promise<void>,
  removes = true,
): Promise<string[]> {
  await using folder = await openFolder();
  await Deno.mkdir(join(folder.path, "old"));
  await Deno.writeTextFile(join(folder.path, "old", "kept"), "old");
  await using bench = await serveStorages({
    storage: { scheme: "fs", kwargs: { root: folder.path }, remove_created_on_close: removes },
  });
  await use(client(bench), folder.path);
  await bench.stop();
  return await treeOf(folder.path);
}

const kept = ["old/", "old/kept"];

Deno.test("it is removed in the end where the config says so, with the directories that came with it", async () => {
  const use = async (storage: ReturnType<typeof client>) => {
    await storage.write("a/b/c", "x");
    await storage.write("old/new", "x");
    await storage.createDir("d/e");
    await storage.copy("a/b/c", "f/g");
    await storage.rename("f/g", "h/i");
  };
  assert.deepEqual(await leftAfter(use), kept);
  const all = ["a/", "a/b/", "a/b/c", "d/", "d/e/", "f/", "h/", "h/i", "old/", "old/kept", "old/new"];
  assert.deepEqual(await leftAfter(use, false), all);
});

Deno.test("what was there before stays, also under another name", async () => {
  assert.deepEqual(await leftAfter((storage) => storage.createDir("old")), kept);
  assert.deepEqual(await leftAfter((storage) => storage.rename("old/kept", "old/renamed")), ["old/", "old/renamed"]);
  assert.deepEqual(await leftAfter((storage) => storage.rename("old", "new")), ["new/", "new/kept"]);
});

Deno.test("what others have put beside it stays, and what they put into a directory that was made goes", async () => {
  const others = (put: string) => async (storage: ReturnType<typeof client>, path: string) => {
    await storage.write("a/file", "x");
    await storage.createDir("made");
    await Deno.writeTextFile(join(path, put), "theirs");
  };
  assert.deepEqual(await leftAfter(others("a/theirs")), ["a/", "a/theirs", ...kept]);
  assert.deepEqual(await leftAfter(others("made/theirs")), kept);
});

Deno.test("a path that a client names is removed with the rest, and the root never is", async () => {
  const use = async (storage: ReturnType<typeof client>, path: string) => {
    await Deno.writeTextFile(join(path, "by-hand"), "x");
    for (const named of ["by-hand", "/", "not-there"]) await storage.registerPath(named);
  };
  assert.deepEqual(await leftAfter(use), kept);
});
