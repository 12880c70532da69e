import assert from "node:assert/strict";
import { join } from "node:path";
import { Place } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";
import { until } from "../tests/fixtures/until.ts";
import { AtomicFile } from "./atomic_file.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const names = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();

/** A folder with an empty folder `files` in it. */
async function openFolder(place: Place): Promise<string> {
  await Deno.mkdir(place.path("files"));
  return place.path("files");
}

Deno.test("a file has its name only when it is complete", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place), path = join(dir, "image.raw");
  for (const text of ["first", "second"]) {
    const before = await names(dir);
    await using file = await AtomicFile.create(path);
    await file.write(bytes(text.slice(0, 3)));
    assert.deepEqual((await names(dir)).filter((name) => !name.endsWith(".part")), before);
    await file.write(bytes(text.slice(3)));
    await file.commit();
    assert.equal(await Deno.readTextFile(path), text);
  }
  assert.deepEqual(await names(dir), ["image.raw"]);
});

Deno.test("a file that is not committed leaves nothing, and its target as it was", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place), path = join(dir, "image.raw");
  const spoil = async () => {
    await using file = await AtomicFile.create(path);
    await file.write(bytes("half"));
    throw new Error("the line went dead");
  };
  await assert.rejects(spoil(), /went dead/);
  assert.deepEqual(await names(dir), []);
  await Deno.writeTextFile(path, "whole");
  await assert.rejects(spoil(), /went dead/);
  assert.deepEqual(await names(dir), ["image.raw"]);
  assert.equal(await Deno.readTextFile(path), "whole");
});

Deno.test("as a stream, closing commits and aborting discards", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place), path = join(dir, "image.raw");
  const [good, bad] = [await AtomicFile.create(path), await AtomicFile.create(path)].map(({ writable }) =>
    writable.getWriter()
  );
  await good?.write(bytes("whole"));
  await bad?.write(bytes("half"));
  await bad?.abort(new Error("enough"));
  assert.equal((await names(dir)).length, 1);
  await good?.close();
  assert.deepEqual(await names(dir), ["image.raw"]);
  assert.equal(await Deno.readTextFile(path), "whole");
});

Deno.test("a link stays a link, and a replaced file's permissions stay", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place), path = join(dir, "image.raw"), link = join(dir, "latest");
  await Deno.writeTextFile(path, "old");
  await Deno.chmod(path, 0o640);
  await Deno.symlink("image.raw", link);
  await using file = await AtomicFile.create(link);
  await file.write(bytes("new"));
  await file.commit();
  assert.deepEqual(await names(dir), ["image.raw", "latest"]);
  assert.equal(await Deno.readTextFile(path), "new");
  assert.ok((await Deno.lstat(link)).isSymlink);
  assert.equal((await Deno.stat(path)).mode ?? 0, 0o100640);
});

Deno.test("a commit that fails discards, and says why", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place), path = join(dir, "image.raw");
  await using file = await AtomicFile.create(path);
  await Deno.mkdir(join(path, "in the way"), { recursive: true });
  await assert.rejects(file.commit());
  assert.deepEqual(await names(dir), ["image.raw"]);
  await assert.rejects(AtomicFile.create(path), Deno.errors.IsADirectory);
  await assert.rejects(AtomicFile.create(join(dir, "nowhere", "image.raw")), Deno.errors.NotFound);
});

Deno.test("a program that is killed leaves no half file under the name, and the next one none at all", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place), path = join(dir, "image.raw");
  await Deno.writeTextFile(path, "whole");
  const script = `import { AtomicFile } from ${JSON.stringify(import.meta.resolve("./atomic_file.ts"))};
    const file = await AtomicFile.create(Deno.args[0]);
    for (;;) await file.write(new Uint8Array(1024));`;
  await using program = new Program(place, [Deno.execPath(), "run", "-A", await place.write("write.ts", script), path]);
  const size = async () => {
    const part = (await names(dir)).find((name) => name.endsWith(".part"));
    return part === undefined ? 0 : (await Deno.stat(join(dir, part))).size;
  };
  await until("it writes", async () => await size() > 0);
  {
    await using other = await AtomicFile.create(join(dir, "other.raw"));
    await other.commit();
    assert.ok(await size() > 0, "it was taken from the one who writes it");
  }
  program.signal("SIGKILL");
  assert.equal((await program.ended()).signal, "SIGKILL");
  assert.equal(await Deno.readTextFile(path), "whole");
  assert.match((await names(dir)).join(), /^\.image\.raw\.jumpstarter-[0-9a-f]{8}\.part,image\.raw,other\.raw$/);
  await using next = await AtomicFile.create(path);
  await next.commit();
  assert.deepEqual(await names(dir), ["image.raw", "other.raw"]);
});

Deno.test("many that write into one directory at once take nothing from each other", async () => {
  await using place = await Place.open();
  const dir = await openFolder(place);
  const write = async (name: string) => {
    for (let round = 0; round < 10; round++) {
      await using file = await AtomicFile.create(join(dir, name));
      await file.write(bytes(name));
      await file.commit();
    }
  };
  const wanted = Array.from({ length: 20 }, (_, index) => String(index));
  await Promise.all(wanted.map(write));
  assert.deepEqual(await names(dir), wanted.toSorted());
});
