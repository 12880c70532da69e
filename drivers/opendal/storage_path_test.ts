import assert from "node:assert/strict";
import fc from "fast-check";
import { formatPath, isWithin, parsePath } from "./storage_path.ts";

Deno.test("paths are taken apart, and put together in one way", () => {
  const cases: [string, string][] = [
    ["", "/"],
    ["/", "/"],
    [".", "/"],
    ["a/..", "/"],
    ["a", "a"],
    ["/a", "a"],
    ["//a//b", "a/b"],
    ["a/b/", "a/b/"],
    ["a/./b", "a/b"],
    ["a/../b", "b"],
    ["a/b/..", "a/"],
    ["a/b/.", "a/b/"],
    ["..a/b..", "..a/b.."],
    ["a\\..\\b", "a\\..\\b"],
  ];
  for (const [typed, formatted] of cases) assert.equal(formatPath(parsePath(typed)), formatted, typed);
});

Deno.test("what leads out of the storage is refused, and what no file can be called", () => {
  for (const typed of ["..", "../x", "a/../..", "/..", "/../etc/passwd", "a/../../b", "./.."]) {
    assert.throws(() => parsePath(typed), /leads out of the storage/, typed);
  }
  assert.throws(() => parsePath("a\0b"), /NUL/);
  assert.throws(() => parsePath("a\ud800"), /Unicode/);
});

Deno.test("no path has a name that leads anywhere", () => {
  const part = fc.constantFrom("..", ".", "", "a", "b", "...", " ");
  fc.assert(fc.property(fc.array(part), (parts) => {
    try {
      const path = parsePath(parts.join("/"));
      assert.ok(path.names.every((name) => !["", ".", ".."].includes(name)));
      assert.deepEqual(parsePath(formatPath(path)), path);
    } catch (error) {
      assert.match(String(error), /leads out/);
    }
  }));
});

Deno.test("a directory has itself and what is in it, and no name that begins like its own", () => {
  const isIn = (path: string, directory: string) => isWithin(parsePath(path), parsePath(directory));
  assert.deepEqual([isIn("a/b", "a"), isIn("a", "a/"), isIn("x", "/")], [true, true, true]);
  assert.deepEqual([isIn("ab", "a"), isIn("a", "a/b")], [false, false]);
});
