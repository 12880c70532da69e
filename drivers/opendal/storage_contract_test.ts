/** What every storage that can be written does in the same way. */
import assert from "node:assert/strict";
import { startS3Server, whyNoS3Server } from "../../tests/fixtures/s3_server.ts";
import { openFsStorage } from "./fs_storage.ts";
import { S3Storage } from "./s3_storage.ts";
import { Bench, bytes, calm, failsWith, openers, openFolder } from "./storage_bench_test.ts";
import { parsePath } from "./storage_path.ts";

const contract = new Map<string, (bench: Bench) => Promise<void>>();

function test(name: string, run: (bench: Bench) => Promise<void>): void {
  contract.set(name, run);
  for (const [kind, open] of Object.entries(openers)) {
    Deno.test(`${kind}: ${name}`, async () => {
      await using bench = await open();
      await run(bench);
    });
  }
}

test("a file is what was written, from any offset, and makes the directories above it", async (bench) => {
  await bench.write("a/b/c.txt", "hello");
  assert.equal(await bench.read("a/b/c.txt"), "hello");
  assert.equal(await bench.read("/a//b/./c.txt", 3), "lo");
  assert.equal(await bench.read("a/b/x/../c.txt", 5), "");
  assert.equal(await bench.read("a/b/c.txt", 500), "");
  assert.equal(await bench.look("a/b/c.txt"), "file 5");
  for (const directory of ["a", "a/", "a/b", "/", "", "."]) assert.equal(await bench.look(directory), "directory");
  await bench.write("a/b/c.txt", "");
  assert.equal(await bench.look("a/b/c.txt"), "file 0");
  assert.equal(await bench.read("a/b/c.txt"), "");
});

test("bytes of any size and in any pieces come back as they were", async (bench) => {
  const whole = crypto.getRandomValues(new Uint8Array(60_000));
  const sizes = [1, 7, 60_000, 0, 300_001, 65_536, 1_500_000];
  const pieces = sizes.map((size) => Uint8Array.from({ length: size }, (_, index) => whole[index % 60_000] ?? 0));
  {
    await using writer = await bench.storage.openWriter(parsePath("big"), calm);
    for (const piece of pieces) {
      const own = piece.slice();
      await writer.write(own);
      own.fill(0); // it is the caller's again
    }
    await writer.commit();
  }
  const written = new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  await using reader = await bench.storage.openReader(parsePath("big"), calm);
  assert.equal(reader.size, written.length);
  for (const offset of [0, 1, 262_144, 1_000_000, written.length - 1]) {
    const chunks = await Array.fromAsync(reader.read(offset, calm));
    const read = new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    assert.deepEqual(read, written.subarray(offset));
  }
});

test("a file that is not committed is not there, and one that was stays", async (bench) => {
  await bench.write("kept", "whole");
  for (const path of ["kept", "new", "x/y/new"]) {
    await using writer = await bench.storage.openWriter(parsePath(path), calm);
    await writer.write(bytes("half"));
  }
  assert.equal(await bench.read("kept"), "whole");
  assert.deepEqual((await bench.list("/", true)).filter((path) => path !== "/"), ["kept"]);
});

test("a file that is being read stays what it was while it is replaced and removed", async (bench) => {
  await bench.write("f", "first");
  await using reader = await bench.storage.openReader(parsePath("f"), calm);
  await bench.write("f", "second");
  await bench.do("delete", "f");
  const chunks = await Array.fromAsync(reader.read(0, calm));
  assert.equal(new TextDecoder().decode(chunks[0]), "first");
});

test("of two who write one file, it is the last to commit who has written it", async (bench) => {
  const path = parsePath("f");
  await using first = await bench.storage.openWriter(path, calm);
  await using second = await bench.storage.openWriter(path, calm);
  await first.write(bytes("first"));
  await second.write(bytes("second"));
  await second.commit();
  assert.equal(await bench.read("f"), "second");
  await first.commit();
  assert.equal(await bench.read("f"), "first");
});

test("nothing is not found, and a file is no directory", async (bench) => {
  await bench.write("file", "x");
  for (const path of ["nope", "nope/", "file/", "file/below", "no/such/path"]) {
    assert.equal(await bench.look(path), "not_found", path);
  }
  assert.equal(await failsWith("not_found", bench.read("nope")), 'there is no file "nope"');
  assert.match(await failsWith("invalid_argument", bench.read("file/")), /"file\/" is a directory/);
  assert.match(await failsWith("invalid_argument", bench.write("file/below", "x")), /a file has that name/);
  assert.match(await failsWith("invalid_argument", bench.do("createDir", "file/below")), /a file has that name/);
  await failsWith("not_found", bench.move("copy", "nope", "x"));
  await failsWith("not_found", bench.move("rename", "nope", "x"));
});

test("a directory is no file", async (bench) => {
  await bench.write("d/f", "x");
  for (const path of ["d", "d/", "/"]) {
    assert.match(await failsWith("invalid_argument", bench.read(path)), /is a directory/);
    assert.match(await failsWith("invalid_argument", bench.write(path, "x")), /is a directory/);
    await failsWith("invalid_argument", bench.move("copy", path, "e"));
    await failsWith("invalid_argument", bench.move("copy", "d/f", path));
  }
  assert.deepEqual((await bench.list("/", true)).filter((path) => !path.endsWith("/")), ["d/f"]);
});

test("directories are made with those above them, and again", async (bench) => {
  for (const path of ["a/b/c/", "a/b/c", "a/b", "/"]) await bench.do("createDir", path);
  assert.equal(await bench.look("a/b/c/"), "directory");
});

test("a directory lists what is in it, a file itself, and nothing nothing", async (bench) => {
  await bench.write("a.txt", "x");
  await bench.write("d/f.txt", "x");
  await bench.write("d/e/g.txt", "x");
  await bench.do("createDir", "d/empty/");
  const isNot = (self: string) => (path: string) => path !== self;
  for (const path of ["/", "", "."]) {
    assert.deepEqual((await bench.list(path)).filter(isNot("/")), ["a.txt", "d/"]);
    const all = (await bench.list(path, true)).filter((path) => !["/", "d/", "d/e/"].includes(path));
    assert.deepEqual(all, ["a.txt", "d/e/g.txt", "d/empty/", "d/f.txt"]);
  }
  for (const path of ["d", "d/", "/d/", "./d/"]) {
    assert.deepEqual((await bench.list(path)).filter(isNot("d/")), ["d/e/", "d/empty/", "d/f.txt"], path);
  }
  for (const isRecursive of [true, false]) {
    assert.deepEqual(await bench.list("d/f.txt", isRecursive), ["d/f.txt"]);
    for (const path of ["nope", "nope/", "a", "d/f", "a.txt/"]) assert.deepEqual(await bench.list(path), [], path);
  }
});

test("deleting takes a file or an empty directory, and nothing for well", async (bench) => {
  await bench.write("d/f", "x");
  assert.match(await failsWith("invalid_argument", bench.do("delete", "d/")), /"d\/" is a directory that is not empty/);
  await failsWith("invalid_argument", bench.do("delete", "d"));
  for (const path of ["d/f", "d/f", "nope", "nope/", "no/such/path"]) await bench.do("delete", path);
  await bench.do("createDir", "d/");
  await bench.do("delete", "d");
  assert.equal(await bench.look("d/"), "not_found");
  await failsWith("invalid_argument", bench.do("delete", "/"));
});

test("removing all takes just what is named", async (bench) => {
  for (const path of ["d/f", "d/e/g", "dd/f", "d.txt", "file", "file2"]) await bench.write(path, "x");
  await bench.do("removeAll", "d");
  await bench.do("removeAll", "file");
  await bench.do("removeAll", "nope/");
  const files = async () => (await bench.list("/", true)).filter((path) => !path.endsWith("/"));
  assert.deepEqual(await files(), ["d.txt", "dd/f", "file2"]);
  await bench.do("removeAll", "/");
  assert.deepEqual((await bench.list("/", true)).filter((path) => path !== "/"), []);
  assert.equal(await bench.look("/"), "directory");
});

test("copies and renamed files replace what is there", async (bench) => {
  await bench.write("a", "one");
  await bench.write("b", "two");
  await bench.move("copy", "a", "x/copy");
  await bench.move("copy", "a", "b");
  assert.deepEqual([await bench.read("x/copy"), await bench.read("b"), await bench.read("a")], ["one", "one", "one"]);
  await bench.write("a", "three");
  assert.equal(await bench.read("b"), "one");
  await bench.move("rename", "a", "y/z");
  await bench.move("rename", "y/z", "b");
  assert.equal(await bench.read("b"), "three");
  assert.deepEqual(await Promise.all(["a", "y/z"].map((path) => bench.look(path))), ["not_found", "not_found"]);
});

test("reading ends when its caller gives up", async (bench) => {
  await bench.write("big", new Uint8Array(3_000_000));
  await using reader = await bench.storage.openReader(parsePath("big"), calm);
  const given = new AbortController();
  const read = async () => {
    for await (const _ of reader.read(0, given.signal)) given.abort(new Error("enough"));
  };
  await assert.rejects(read(), /enough/);
});

test("names are taken as they are", async (bench) => {
  const names = [
    "sp ace",
    "ümläut \u{1f50c}",
    "a%20b",
    "a?b#c",
    "quo\"te'",
    "-rf",
    "back\\slash",
    "a&b<c>",
    "x".repeat(200),
  ];
  for (const name of names) await bench.write(`names/${name}`, name);
  for (const name of names) assert.equal(await bench.read(`names/${name}`), name);
  assert.deepEqual(
    (await bench.list("names/")).filter((path) => path !== "names/"),
    names.map((name) => `names/${name}`).sort(),
  );
  await bench.do("removeAll", "names/");
});

Deno.test("fs: a file that is cut short while it is read fails", async () => {
  await using folder = await openFolder();
  await using storage = new Bench(await openFsStorage(folder.path));
  await storage.write("f", "0123456789");
  await using reader = await storage.storage.openReader(parsePath("f"), calm);
  await Deno.truncate(`${folder.path}/f`, 4);
  const reading = Array.fromAsync(reader.read(0, calm));
  assert.match(await failsWith("io", reading), /"f" was cut short/);
});

/** What an object store is not held to, with the reason. */
const notByS3: Readonly<Record<string, string>> = {
  "a file that is being read stays what it was while it is replaced and removed": "reading fails then, see s3_test.ts",
};

const why = await whyNoS3Server();
Deno.test({
  name: why === undefined ? "s3" : `s3 (NOT RUN: ${why})`,
  ignore: why !== undefined,
  async fn(t) {
    await using server = await startS3Server();
    for (const [index, [name, run]] of [...contract].entries()) {
      await t.step({
        name,
        ignore: name in notByS3,
        fn: () => run(new Bench(new S3Storage(server.kwargs, `root ${index}`))),
      });
    }
  },
});
