import assert from "node:assert/strict";
import { join } from "node:path";
import { removeLeftDirs } from "./left_dirs.ts";
import { missingSmallDisk, mountSmallDisk } from "../tests/fixtures/small_disk.ts";
import { openPrivateTempDir } from "./private_files.ts";

const noDisk = await missingSmallDisk();

/** A place for directories, where what is there can be seen. */
async function openPlace() {
  const path = await Deno.makeTempDir({ prefix: "left-dirs-test-" });
  return {
    path,
    names: async () => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).toSorted(),
    /** A directory as a run that was killed leaves it, with more than a file in it. */
    async leave(name: string, owner = "1\n", mode = 0o700) {
      const dir = join(path, name);
      await Deno.mkdir(join(dir, "work", "deep"), { recursive: true });
      await Deno.writeTextFile(join(dir, "owner"), owner);
      await Deno.chmod(dir, mode);
      return dir;
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("only what was surely left is removed", async () => {
  await using place = await openPlace();
  await place.leave("jumpstarter-left");
  await place.leave("jumpstarter-shell-left");
  const kept = ["jumpstarter-entered", "jumpstarter-new", "jumpstarter-of-others", "jumpstarter-runs", "other-left"];
  await place.leave("jumpstarter-entered", "1\n", 0o755);
  await place.leave("jumpstarter-new", "");
  await place.leave("other-left");
  await Deno.mkdir(join(place.path, "jumpstarter-of-others"), { mode: 0o700 });
  const busy = await place.leave("jumpstarter-runs");
  using lock = await Deno.open(join(busy, "lock"), { write: true, create: true });
  await lock.lock(true);
  await Deno.symlink(await place.leave("linked"), join(place.path, "jumpstarter-link"));
  assert.deepEqual((await removeLeftDirs([place.path])).map((dir) => dir.slice(place.path.length + 1)).toSorted(), [
    "jumpstarter-left",
    "jumpstarter-shell-left",
  ]);
  assert.deepEqual(await place.names(), [...kept, "jumpstarter-link", "linked"].toSorted());
});

Deno.test("a directory that is in use stays, until its owner is done with it", async () => {
  await using own = await openPrivateTempDir("jumpstarter-left-dirs-test-");
  const { dir, mode } = { dir: own.path, mode: (await Deno.stat(own.path)).mode };
  assert.equal((mode ?? 0) & 0o777, 0o700);
  await removeLeftDirs();
  assert.ok((await Deno.stat(dir)).isDirectory);
  await own[Symbol.asyncDispose]();
  await assert.rejects(Deno.stat(dir), Deno.errors.NotFound);
});

Deno.test("many that tidy up at once, and begin meanwhile, are not in each other's way", async () => {
  await using place = await openPlace();
  for (let i = 0; i < 20; i++) await place.leave(`jumpstarter-${i}`);
  const removed = await Promise.all(Array.from({ length: 5 }, () => removeLeftDirs([place.path])));
  assert.deepEqual(await place.names(), []);
  assert.equal(new Set(removed.flat()).size, 20);
  assert.deepEqual(await removeLeftDirs([join(place.path, "none")]), [], "there is nothing to tidy up");
});

Deno.test({
  name: `what its own program could not remove is for the next${noDisk === undefined ? "" : ` (not run: ${noDisk})`}`,
  ignore: noDisk !== undefined,
  async fn() {
    await using place = await openPlace();
    const dir = await openPrivateTempDir("", place.path);
    const mounts = ["a", "z"].map((name) => join(dir.path, name)); // one of them comes before what says whose it is
    {
      await using disks = new AsyncDisposableStack();
      for (const mount of mounts) {
        await Deno.mkdir(mount);
        disks.use(await mountSmallDisk(mount));
      }
      await dir[Symbol.asyncDispose]();
      assert.deepEqual(await removeLeftDirs([place.path]), []);
    }
    assert.deepEqual(await removeLeftDirs([place.path]), [dir.path]);
  },
});

Deno.test({
  name: `a directory that cannot be made whole is not left${noDisk === undefined ? "" : ` (not run: ${noDisk})`}`,
  ignore: noDisk !== undefined,
  async fn() {
    await using place = await openPlace();
    const mount = join(place.path, "full");
    await Deno.mkdir(mount);
    await using disk = await mountSmallDisk(mount);
    await assert.rejects(async () => await Deno.writeFile(join(disk.dir, "rest"), new Uint8Array(2 << 20)));
    await assert.rejects(
      openPrivateTempDir("", disk.dir),
      /^JumpstarterError: Cannot make temporary files in .*: No space/,
    );
    assert.deepEqual((await Array.fromAsync(Deno.readDir(disk.dir))).map(({ name }) => name), ["rest"]);
  },
});
