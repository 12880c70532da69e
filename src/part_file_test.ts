import assert from "node:assert/strict";
import { join } from "node:path";
import { Place } from "../tests/fixtures/place.ts";
import { isPartName, lockPart, newPartName, removeLeftParts } from "./part_file.ts";

Deno.test("the name of a part is told from the names that people give", () => {
  for (const name of ["disk.img", "", "a\nb", ".".repeat(300)]) {
    const part = newPartName(name);
    assert.ok(isPartName(part), part);
    assert.ok(part.length < 80, part);
    assert.notEqual(newPartName(name), part);
  }
  const others = ["disk.img", "disk.img.part", ".disk.img.part", ".disk.img.f06e13de.part", newPartName("a").slice(1)];
  for (const name of others) assert.ok(!isPartName(name), name);
});

Deno.test("only parts that nobody writes any more are removed", async () => {
  await using place = await Place.open();
  const dir = place.path("files");
  await Deno.mkdir(join(dir, newPartName("directory")), { recursive: true });
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(join(dir, name), text);
    return name;
  };
  const left = await write(newPartName("left"), "half");
  const readOnly = await write(newPartName("read-only"), "half");
  await Deno.chmod(join(dir, readOnly), 0o400);
  const empty = await write(newPartName("about to be locked"), "");
  const live = await write(newPartName("live"), "half");
  using writer = await Deno.open(join(dir, live));
  await lockPart(writer);
  await write(".somebody.f06e13de.part", "whole");
  await Deno.symlink(await write("whole", "whole"), join(dir, newPartName("link")));
  const names = async () => new Set((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name));
  const before = await names();
  await Promise.all([removeLeftParts(dir), removeLeftParts(dir)]);
  assert.deepEqual(before.difference(await names()), new Set([left, readOnly]));
  writer.close();
  await removeLeftParts(dir);
  assert.deepEqual(before.difference(await names()), new Set([left, readOnly, live]));
  assert.ok((await names()).has(empty));
  await removeLeftParts(join(dir, "none"));
});
