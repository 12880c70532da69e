/** What a config may say, and what a storage says of itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { permissionFlags } from "../../src/permission.ts";
import { client, failsWith, openFolder, serveStorages, text, treeOf } from "./bench_test.ts";
import { opendal } from "./driver.ts";

Deno.test("a config that makes no sense is refused with its place and what was probably meant", async () => {
  const cases: [unknown, RegExp][] = [
    [{ scheme: "fss", kwargs: { root: "/x" } }, /:\d+:\d+: "scheme" must be .*, not "fss" \(did you mean "fs"/],
    [{ scheme: "webdav", kwargs: {} }, /"scheme" must be .*"fs".*, not "webdav"/],
    [{ kwargs: { root: "/x" } }, /missing "scheme"/],
    [{ scheme: "fs" }, /missing "kwargs"/],
    [{ scheme: "fs", kwargs: {} }, /missing "root"/],
    [{ scheme: "fs", kwargs: { rot: "/x" } }, /:\d+:\d+: unknown key "rot" \(did you mean "root"\?\)/],
    [
      { scheme: "s3", kwargs: { bucket: "b", region: "r", allow_anonymous: "true", endpoint: "http://me:pw@h/" } },
      /"endpoint".* must not hold a user name or a password/,
    ],
    [{ scheme: "memory", kwargs: { bucket: "x" } }, /unknown key "bucket"/],
    [{ scheme: "memory", remove_created_on_close: "yes" }, /"remove_created_on_close" must be true or false/],
  ];
  for (const [config, message] of cases) assert.match(await failsWith("config", serveStorages({ config })), message);
});

Deno.test("a root that cannot be had is told when the exporter starts", async () => {
  await using folder = await openFolder();
  const root = join(folder.path, "file");
  await Deno.writeTextFile(root, "");
  const serving = serveStorages({ storage: { scheme: "fs", kwargs: { root: join(root, "below") } } });
  assert.match(await failsWith("driver", serving), /cannot start the driver "storage"/i);
});

Deno.test("a root that is missing is made", async () => {
  await using folder = await openFolder();
  const root = join(folder.path, "a", "b");
  await using bench = await serveStorages({ storage: { scheme: "fs", kwargs: { root } } });
  await client(bench).write("file", "x");
  assert.deepEqual(await treeOf(folder.path), ["a/", "a/b/", "a/b/file"]);
});

Deno.test("null is as good as false, as the Python implementation has it", async () => {
  await using folder = await openFolder();
  {
    const config = { scheme: "fs", kwargs: { root: folder.path }, remove_created_on_close: null };
    await using bench = await serveStorages({ storage: config });
    await client(bench).write("file", "x");
  }
  assert.deepEqual(await treeOf(folder.path), ["file"]);
});

Deno.test("a storage says what it can do, and what it cannot is told", async () => {
  await using bench = await serveStorages({ storage: { scheme: "memory" } });
  const storage = client(bench);
  const { rename, write, list, presign_read, shared, write_total_max_size } = await storage.capability();
  assert.deepEqual([rename, write, list, presign_read, shared], [true, true, true, false, false]);
  assert.equal(write_total_max_size, null);
  assert.match(await failsWith("unimplemented", storage.presignRead("x", 60)), /\(memory\) signs no such requests/);
});

Deno.test("hashes are those of the content", async () => {
  await using bench = await serveStorages({ storage: { scheme: "memory" } });
  const storage = client(bench);
  const content = crypto.getRandomValues(new Uint8Array(50_000));
  await storage.write("f", content);
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  assert.equal(await storage.hash("f"), sha256.toHex());
  await storage.write("f", "hello");
  assert.equal(await storage.hash("f", "md5"), "5d41402abc4b2a76b9719d911017c592");
  assert.match(await failsWith("invalid_argument", storage.call("hash", ["f", "sha1"])), /"sha256".*not "sha1"/);
  await failsWith("not_found", storage.hash("nope"));
});

Deno.test("arguments that make no sense are told by what they must be", async () => {
  await using bench = await serveStorages({ storage: { scheme: "memory" } });
  const storage = client(bench);
  await storage.write("f", "hello");
  const handle = await storage.call("open", ["f", "rb"]);
  const cases: [string, Parameters<typeof storage.call>[1]][] = [
    ["stat", []],
    ["stat", [5]],
    ["stat", ["a", "b"]],
    ["stat", ["../a"]],
    ["open", ["f", "ab"]],
    ["open", ["f"]],
    ["file_seek", [handle, 0, 7]],
    ["file_seek", [handle, 0.5, 0]],
    ["file_seek", ["f", 0, 0]],
    ["copy", ["f", "f"]],
    ["rename", ["f", "./f"]],
    ["register_path", ["../x"]],
  ];
  for (const [method, args] of cases) await failsWith("invalid_argument", storage.call(method, args));
  assert.equal(await storage.call("file_seek", [handle, 2]), 2, "from the start, unless something else is said");
});

Deno.test("a directory cannot be moved into itself", async () => {
  await using bench = await serveStorages({ storage: { scheme: "memory" } });
  const storage = client(bench);
  await storage.createDir("d/e");
  assert.match(await failsWith("invalid_argument", storage.rename("d", "d/e/f")), /cannot be moved into itself/);
});

Deno.test("a folder needs to be read and written, and nothing else", async () => {
  await using folder = await openFolder();
  const root = join(folder.path, "storage"), secret = join(folder.path, "secret");
  await Deno.mkdir(root);
  await Deno.writeTextFile(secret, "secret");
  await Deno.symlink("../secret", join(root, "link"));
  const permissions = opendal.permissions?.({ scheme: "fs", kwargs: { root }, remove_created_on_close: false }) ?? [];
  assert.deepEqual(permissions, [{ kind: "read", of: root }, { kind: "write", of: root }]);
  const program = join(folder.path, "probe.ts");
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  await Deno.writeTextFile(
    program,
    `import { openFsStorage } from ${url("./fs_storage.ts")};
    import { Bench } from ${url("./storage_bench_test.ts")};
    const bench = new Bench(await openFsStorage(${JSON.stringify(root)}));
    await bench.write("a/b", "content");
    await bench.move("copy", "a/b", "c");
    await bench.move("rename", "c", "d/e");
    await bench.do("createDir", "f/g");
    await bench.do("delete", "f/g");
    console.log(await bench.read("d/e"), await bench.look("d/e"), (await bench.list("/", true)).join());
    await bench.do("removeAll", "a");
    console.log(await bench.read("link").catch((error) => error.message));`,
  );
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const flags = ["--no-prompt", "--no-lock", "--config", config, ...permissionFlags(permissions)];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", ...flags, program] })
    .output();
  const expected = "content file 7 /,a/,a/b,d/,d/e,f/,link\n" +
    '"link" is behind a link that leads out of the storage\n';
  assert.deepEqual([code, text(stdout)], [0, expected], text(stderr));
});
