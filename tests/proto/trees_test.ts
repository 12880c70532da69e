import assert from "node:assert/strict";
import { join } from "node:path";
import { differences, readTree } from "./trees.ts";

Deno.test("what is missing, left over or different is named", () => {
  const expected = new Map([["a.ts", "1"], ["b.ts", "2"], ["c.ts", "3"]]);
  const actual = new Map([["b.ts", "2"], ["c.ts", "4"], ["d.ts", "5"]]);
  assert.deepEqual(differences(expected, actual), ["a.ts is missing", "c.ts differs", "d.ts is left over"]);
  assert.deepEqual(differences(expected, new Map(expected)), []);
});

Deno.test("a tree is read with its inner folders, and a missing one is empty", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "v1"));
    await Deno.writeTextFile(join(folder, "v1", "a.ts"), "one");
    await Deno.writeTextFile(join(folder, "b.ts"), "two");
    assert.deepEqual(new Map(await readTree(folder)), new Map([["v1/a.ts", "one"], ["b.ts", "two"]]));
    assert.deepEqual(await readTree(join(folder, "none")), new Map());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
