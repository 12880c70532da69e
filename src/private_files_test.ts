import assert from "node:assert/strict";
import { join } from "node:path";
import { JumpstarterError } from "./errors.ts";
import { createPrivateFile, ensurePrivateDir, readPrivateFile, replacePrivateFile } from "./private_files.ts";

async function inTempDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "private-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
const names = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);

Deno.test("a private directory is its user's alone, and one that was open is closed", () =>
  inTempDir(async (dir) => {
    const made = join(dir, "a", "b");
    await ensurePrivateDir(made);
    assert.equal(await modeOf(made), 0o700);
    assert.equal(await modeOf(join(dir, "a")), 0o700);
    await Deno.chmod(made, 0o755);
    await ensurePrivateDir(made);
    assert.equal(await modeOf(made), 0o700);
  }));

Deno.test("a directory that cannot be made, or is another user's, is refused with the reason", () =>
  inTempDir(async (dir) => {
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "");
    const cases: [string, RegExp][] = [[join(file, "below"), /Cannot keep private files in .*file\/below: ./]];
    if (Deno.uid() === 0) {
      const foreign = join(dir, "foreign");
      await Deno.mkdir(foreign);
      await Deno.chown(foreign, 65_534, 65_534);
      cases.push([foreign, /it belongs to another user/]);
    }
    for (const [path, reason] of cases) {
      await assert.rejects(ensurePrivateDir(path), (error) => {
        assert.ok(error instanceof JumpstarterError && error.code === "config" && error.hint);
        assert.match(error.message, reason);
        return true;
      });
    }
  }));

Deno.test("a private file is written whole, 0600, and leaves no draft behind", () =>
  inTempDir(async (dir) => {
    const path = join(dir, "key");
    assert.equal(await readPrivateFile(path), undefined);
    assert.equal(await createPrivateFile(path, "one"), true);
    assert.equal(await createPrivateFile(path, "two"), false, "what is there stays");
    assert.equal(await readPrivateFile(path), "one");
    await replacePrivateFile(path, "three");
    assert.equal(await readPrivateFile(path), "three");
    assert.equal(await modeOf(path), 0o600);
    assert.deepEqual(await names(dir), ["key"]);
  }));

Deno.test("of many that write a new file at once, one does", () =>
  inTempDir(async (dir) => {
    const path = join(dir, "key");
    const writers = Array.from({ length: 20 }, (_, index) => createPrivateFile(path, String(index)));
    const written = (await Promise.all(writers)).indexOf(true);
    assert.equal(await readPrivateFile(path), String(written));
    assert.deepEqual(await names(dir), ["key"]);
  }));

Deno.test("a secret that others can read is none", () =>
  inTempDir(async (dir) => {
    const path = join(dir, "key");
    await replacePrivateFile(path, "secret");
    for (const mode of [0o640, 0o604, 0o660]) {
      await Deno.chmod(path, mode);
      await assert.rejects(readPrivateFile(path), (error) => {
        assert.ok(error instanceof JumpstarterError && error.code === "config" && error.hint);
        assert.match(error.message, new RegExp(`Other users can read .*key \\(mode 0${mode.toString(8)}\\)`));
        return true;
      });
    }
  }));
