/** Nothing gets out of a directory: by `..`, by links, or by what is swapped while it is in use. */
import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Bench, failsWith, openFolder, treeOf } from "./storage_bench_test.ts";
import { openFsStorage } from "./fs_storage.ts";
import { fsError } from "./fs_tree.ts";
import { parsePath } from "./storage_path.ts";

/** A folder `inside` that is a storage, and a folder `outside` with a file that is nobody's business. */
async function openHouse(isHeld?: boolean): Promise<Bench & { readonly inside: string; readonly outside: string }> {
  const folder = await openFolder();
  const inside = join(folder.path, "inside"), outside = join(folder.path, "outside");
  await Deno.mkdir(join(outside, "deeper"), { recursive: true });
  await Deno.writeTextFile(join(outside, "victim"), "secret");
  await Deno.writeTextFile(join(outside, "deeper", "victim"), "secret");
  const bench = new Bench(await openFsStorage(inside, isHeld), async () => await folder[Symbol.asyncDispose]());
  return Object.assign(bench, { inside, outside });
}

async function assertUntouched(outside: string): Promise<void> {
  assert.deepEqual(await treeOf(outside), ["deeper/", "deeper/victim", "victim"]);
  for (const path of ["victim", "deeper/victim"]) assert.equal(await Deno.readTextFile(join(outside, path)), "secret");
}

Deno.test("an absolute path begins at the storage's root", async () => {
  await using house = await openHouse();
  await house.write(join(house.outside, "victim"), "mine");
  assert.equal(await house.read(join(house.outside, "victim")), "mine");
  assert.deepEqual((await treeOf(house.inside)).at(-1), `${join(house.outside, "victim").slice(1)}`);
  assert.equal(await house.look("/etc/passwd"), "not_found");
  await assertUntouched(house.outside);
});

for (const [isAbsolute, isHeld] of [[false, undefined], [false, false], [true, undefined], [true, false]]) {
  const links = `${isAbsolute ? "absolute" : "relative"} links${isHeld === undefined ? "" : ", by path,"}`;

  Deno.test(`${links} that lead out lead nowhere`, async () => {
    await using house = await openHouse(isHeld);
    const { inside, outside } = house;
    const target = isAbsolute ? outside : "../outside";
    await Deno.mkdir(join(inside, "d"));
    await Deno.symlink(target, join(inside, "out"));
    await Deno.symlink(join(target, "victim"), join(inside, "file"));
    await Deno.symlink(isAbsolute ? join(inside, "out") : "../out", join(inside, "d", "chain"));
    await Deno.symlink(isAbsolute ? "/" : "../../../../../../../../../..", join(inside, "root"));
    await house.write("own", "mine");
    const outOfReach = ["out/victim", "out/deeper/victim", "file", "d/chain/victim", `root${outside}/victim`];
    for (const path of outOfReach) {
      assert.equal(await house.look(path), "invalid_argument", path);
      assert.match(await failsWith("invalid_argument", house.read(path)), /behind a link that leads out/);
      await failsWith("invalid_argument", house.write(path, "evil"));
      await failsWith("invalid_argument", house.move("copy", path, "copy"));
      await failsWith("invalid_argument", house.move("copy", "own", path));
      if (path === "file") continue;
      await failsWith("invalid_argument", house.do("createDir", `${path}/x`));
      await failsWith("invalid_argument", house.move("rename", path, "moved"));
      await failsWith("invalid_argument", house.move("rename", "own", path));
      await failsWith("invalid_argument", house.do("delete", path));
      await failsWith("invalid_argument", house.do("removeAll", path));
    }
    for (const path of ["out", "out/", "out/deeper/", "root/"]) {
      await failsWith("invalid_argument", house.list(path));
      await failsWith("invalid_argument", house.list(path, true));
    }
    assert.deepEqual((await house.list("/", true)).filter((path) => path.includes("victim")), []);
    await assertUntouched(outside);
    // A link itself is an entry like any other.
    await house.move("rename", "file", "d/file");
    for (const path of ["out", "d/file", "root"]) await house.do("delete", path);
    await house.do("removeAll", "/");
    assert.deepEqual(await treeOf(inside), []);
    await assertUntouched(outside);
  });

  Deno.test(`${links} that stay inside are followed`, async () => {
    await using house = await openHouse(isHeld);
    const { inside } = house;
    const to = (path: string, from = "") => isAbsolute ? `${inside}/${path}` : from + path;
    await house.write("images/v2/board.img", "two");
    await Deno.symlink(to("images/v2"), join(inside, "latest"));
    await Deno.symlink(to("images/v2/board.img", "../"), join(inside, "images", "board.img"));
    await Deno.symlink(to("latest/../v2/board.img", "./"), join(inside, "crooked"));
    for (const path of ["latest/board.img", "images/board.img", "crooked", "latest/../images/board.img"]) {
      assert.equal(await house.read(path), "two", path);
    }
    await house.write("images/board.img", "three");
    assert.equal(await house.read("images/v2/board.img"), "three");
    assert.ok((await Deno.lstat(join(inside, "images", "board.img"))).isSymlink);
    assert.deepEqual(await house.list("latest/"), ["latest/", "latest/board.img"]);
  });
}

Deno.test("links in a circle, and what is no file, hold nothing up", async () => {
  await using house = await openHouse();
  await Deno.symlink("b", join(house.inside, "a"));
  await Deno.symlink("a", join(house.inside, "b"));
  assert.match(await failsWith("invalid_argument", house.read("a/x")), /too many links/);
  assert.match(await failsWith("invalid_argument", house.write("a", "x")), /too many links/);
  await new Deno.Command("mkfifo", { args: [join(house.inside, "pipe")] }).output();
  assert.match(await failsWith("invalid_argument", house.read("pipe")), /is no regular file/);
  assert.deepEqual(await house.list("/", true), ["/", "a", "b", "pipe"]);
});

for (const isHeld of [true, false]) {
  Deno.test(`a pipe, a socket and a device are neither read nor replaced, ${isHeld ? "held" : "by path"}`, async () => {
    await using house = await openHouse(isHeld);
    const at = (name: string) => join(house.inside, name);
    const nodes = ["pipe", "socket"];
    await new Deno.Command("mkfifo", { args: [at("pipe")] }).output();
    using _listener = Deno.listen({ transport: "unix", path: at("socket") });
    // Only root makes devices.
    const { success } = await new Deno.Command("mknod", { args: [at("null"), "c", "1", "3"], stderr: "null" }).output();
    if (success) nodes.push("null");
    await house.write("file", "x");
    for (const name of nodes) {
      const before = await Deno.lstat(at(name));
      const uses = [
        () => house.read(name),
        () => house.write(name, "x"),
        () => house.move("copy", name, "copied"),
        () => house.move("copy", "file", name),
        () => house.move("rename", "file", name),
      ];
      for (const use of uses) {
        assert.equal(await failsWith("invalid_argument", use()), `"${name}" is no regular file`);
      }
      assert.equal((await Deno.lstat(at(name))).ino, before.ino);
    }
    assert.deepEqual(await treeOf(house.inside), ["file", ...nodes].sort());
  });
}

Deno.test("an error that has no words of its own names the client's path, and none of the exporter's", async () => {
  await using house = await openHouse();
  const path = join(house.inside, "socket");
  using _listener = Deno.listen({ transport: "unix", path });
  for (const attempt of [() => open(path), () => Deno.open(path)]) {
    const error = await attempt().then(() => assert.fail("it was opened"), (error: unknown) => error);
    const { message } = fsError(parsePath("/sub/socket"), error) as Error;
    assert.match(message, /^"sub\/socket": [^']*no such device or address[^']*$/i);
  }
});

/** Swaps `dir` for a link to `outside` and back, as fast as it can, until it is killed. */
const SWAPPER = `
const [inside, outside] = Deno.args;
const dir = inside + "/dir", kept = inside + "/kept";
const attempt = (step) => { try { step(); } catch { /* the storage has made the directory anew */ } };
console.log("swapping");
for (;;) {
  attempt(() => Deno.renameSync(dir, kept));
  attempt(() => Deno.symlinkSync(outside, dir));
  attempt(() => Deno.lstatSync(dir).isSymlink ? Deno.removeSync(dir) : Deno.renameSync(dir, kept + Math.random()));
  attempt(() => Deno.renameSync(kept, dir));
}`;

/** Uses `dir` in all ways while it is swapped, and counts what came of each. */
async function useWhileSwapped(house: Bench & { readonly inside: string; readonly outside: string }) {
  const { inside, outside } = house;
  await Deno.mkdir(join(inside, "dir"));
  const program = join(inside, "..", "swap.ts");
  await Deno.writeTextFile(program, SWAPPER);
  const swapper = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", program, inside, outside],
    stdout: "piped",
  }).spawn();
  const outcomes = new Map<string, number>();
  const attempt = async (use: Promise<unknown>) => {
    const outcome = await use.then((seen) => String(seen), (error) => error.code ?? String(error));
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  try {
    await swapper.stdout.getReader().read();
    const hasMetBoth = () => outcomes.has("invalid_argument") && outcomes.has("mine");
    for (let round = 0; round < 400 || (!hasMetBoth() && round < 10_000); round++) {
      await attempt(house.write("dir/victim", "mine"));
      await attempt(house.read("dir/victim"));
      await attempt(house.move("rename", "dir/victim", "dir/moved"));
      await attempt(house.move("copy", "dir/moved", "dir/victim"));
      await attempt(house.do("delete", "dir/victim"));
      await attempt(house.do("removeAll", "dir/deeper"));
      await attempt(house.do("createDir", "dir/made/x"));
    }
    assert.ok(hasMetBoth(), `the swaps were not met: ${JSON.stringify([...outcomes])}`);
  } finally {
    swapper.kill("SIGKILL");
    await swapper.status;
  }
  return outcomes;
}

Deno.test({
  name: "a directory that is swapped for a link while it is used leads nowhere either",
  // Elsewhere there is no way to use a directory but by its path.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using house = await openHouse();
    const outcomes = await useWhileSwapped(house);
    assert.equal(outcomes.get("secret"), undefined);
    await assertUntouched(house.outside);
  },
});
