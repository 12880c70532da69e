/** What `j` offers for a storage. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { CommandContext, CommandInput } from "../../src/driver/mod.ts";
import { openTestTerminal } from "../../tests/fixtures/command_terminal.ts";
import { writeConfig } from "../../tests/fixtures/exporter.ts";
import { Place } from "../../tests/fixtures/place.ts";
import { runJmp } from "../../tests/fixtures/program.ts";
import { bytes, client, failsWith, openFolder, serveStorages, text, treeOf, type } from "./bench_test.ts";
import { opendalCommands } from "./commands.ts";

/** Serves a memory storage, and runs commands from a folder of the user's own. */
async function openUser() {
  const folder = await openFolder();
  const bench = await serveStorages({ storage: { scheme: "memory" } });
  const storage = client(bench);
  const run = async (
    name: string,
    args: CommandInput["args"] = {},
    options: CommandInput["options"] = {},
    facts: Partial<CommandContext> = {},
  ) => {
    const command = opendalCommands.find((command) => command.name === name) ?? assert.fail(name);
    const terminal = openTestTerminal({ cwd: folder.path, ...facts });
    const defaults = Object.fromEntries((command.options ?? []).map((option) => [option.name, option.default]));
    const result = command.run(storage, { args, options: { ...defaults, ...options } }, terminal.context);
    const value = Symbol.asyncIterator in Object(result) ? await Array.fromAsync(result as never) : await result;
    return { value, code: terminal.code, stdout: terminal.stdout };
  };
  return {
    storage,
    run,
    path: (name: string) => join(folder.path, name),
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

Deno.test("files come from standard input and go to standard output, byte for byte", async () => {
  await using user = await openUser();
  const stdin = ReadableStream.from([bytes("one "), new Uint8Array([0, 255, 10])]);
  await user.run("write-bytes", { path: "a/b" }, {}, { stdin });
  assert.deepEqual(await user.storage.readBytes("a/b"), new Uint8Array([...bytes("one "), 0, 255, 10]));
  await user.storage.write("c", "two\n");
  assert.deepEqual(await user.run("read-bytes", { path: "c" }), { value: undefined, code: undefined, stdout: "two\n" });
});

Deno.test("files come from and go to the user's own folder, and a name says nothing of what is in them", async () => {
  await using user = await openUser();
  await Deno.writeTextFile(user.path("local.gz"), "no archive");
  await user.run("write-from-path", { dst: "remote.gz", src: "local.gz" });
  assert.equal(text(await user.storage.readBytes("remote.gz")), "no archive");
  await user.run("read-into-path", { src: "remote.gz", dst: "back.xz" });
  assert.equal(await Deno.readTextFile(user.path("back.xz")), "no archive");
  await user.run("read-into-path", { src: "remote.gz", dst: "packed" }, { compression: "gzip" });
  await user.run("write-from-path", { dst: "unpacked", src: "packed" }, { compression: "gzip" });
  assert.equal(text(await user.storage.readBytes("unpacked")), "no archive");
  assert.notEqual(await Deno.readTextFile(user.path("packed")), "no archive");
});

Deno.test("a file that is not there leaves none behind", async () => {
  await using user = await openUser();
  await failsWith("not_found", user.run("read-into-path", { src: "nope", dst: "back" }));
  await failsWith("config", user.run("write-from-path", { dst: "new", src: "nope" }));
  assert.deepEqual([await user.storage.exists("new"), await treeOf(user.path("."))], [false, []]);
});

Deno.test("each command answers what its method does", async () => {
  await using user = await openUser();
  const { run, storage } = user;
  await storage.write("d/f", "hello");
  const at = { path: "d/f" };
  const { value: stat } = await run("stat", at);
  const metadata = { content_type: null, content_disposition: null, content_md5: null, etag: null };
  assert.deepEqual(stat, { content_length: 5, ...metadata, mode: { is_file: true, is_dir: false } });
  assert.match((await run("hash", at)).value as string, /^2cf24d/);
  assert.match((await run("hash", at, { algo: "md5" })).value as string, /^5d4140/);
  assert.deepEqual(await run("exists", at), { value: true, code: undefined, stdout: "" });
  assert.deepEqual(await run("exists", { path: "nope" }), { value: false, code: 1, stdout: "" });
  await run("copy", { source: "d/f", target: "g" });
  await run("rename", { source: "g", target: "d/h" });
  await run("create-dir", { path: "e" });
  assert.deepEqual((await run("list", { path: "/" })).value, ["d/", "e/"]);
  assert.deepEqual((await run("scan", { path: "/" })).value, ["d/f", "d/h", "e/"]);
  await run("delete", { path: "e" });
  await run("remove-all", { path: "d" });
  assert.deepEqual((await run("scan", { path: "/" })).value, []);
  assert.equal(((await run("capability")).value as Record<string, unknown>).presign_read, false);
});

Deno.test("signing a request needs to know for how long", async () => {
  await using user = await openUser();
  for (const name of ["presign-stat", "presign-read", "presign-write"]) {
    assert.match(await failsWith("usage", user.run(name, { path: "x" })), /--expire-second/);
    await failsWith("unimplemented", user.run(name, { path: "x" }, { "expire-second": 60 }));
  }
});

Deno.test("a storage is driven from a shell", async () => {
  await using place = await Place.open();
  const export_ = { storage: { type, config: { scheme: "fs", kwargs: { root: place.path("files") } } } };
  const config = await writeConfig(place, { export: export_ });
  const script = [
    'cd "$HOME" && printf "from home" > here',
    "printf 'hello\\n' | j storage write-bytes notes/a.txt",
    "j storage write-from-path notes/b.txt here",
    "j storage read-bytes notes/a.txt",
    "j storage read-into-path notes/b.txt there && cat there && echo",
    "j storage list notes/",
    "j storage stat notes/a.txt | head -n 2",
    "j storage exists nope; echo $?",
    "j storage read-bytes nope; echo $?",
    "j storage read-bytes ../config 2>&1; echo $?",
  ].join("; ");
  const { code, stdout, stderr } = await runJmp(place, [
    "shell",
    "--exporter-config",
    config,
    "--",
    "sh",
    "-c",
    script,
  ]);
  const expected = [
    "hello",
    "from home",
    "notes/",
    "notes/a.txt",
    "notes/b.txt",
    "{",
    '  "content_length": 6,',
    "false",
    "1",
    "1",
    'j: the path "../config" leads out of the storage',
    "1",
    "",
  ];
  assert.deepEqual([code, stdout.split("\n")], [0, expected], stderr);
  assert.match(stderr, /^j: there is no file "nope"$/m);
  assert.equal(await Deno.readTextFile(place.path("files", "notes", "b.txt")), "from home");
});
