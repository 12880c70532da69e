/** Storages: files by path and by handle, in a folder and in memory. */
import assert from "node:assert/strict";
import { OpendalClient } from "../../../drivers/opendal/client.ts";
import type { Exporter } from "../../../src/client/mod.ts";
import type { JumpstarterError } from "../../../src/errors.ts";
import type { Json } from "../../../src/json.ts";
import { until } from "../../fixtures/until.ts";
import { type Bench, type Cell, defineArea, type Pairing, type Row } from "../support/area.ts";
import type { Side } from "../support/side.ts";

interface StorageBench extends Bench {
  /** The folder that the storage `folder` keeps its files in. */
  readonly root: string;
}

/** The type of every storage. */
export const storageType = "jumpstarter_driver_opendal.driver.Opendal";

/** A storage that can be written, and what differs between those of one scheme and of another. */
export interface StorageTraits {
  readonly name: string;
  /** Whether a directory is there by itself, and is among what it lists. */
  readonly keepsDirectories: boolean;
  /** What it knows of a file of five bytes, `hello`. */
  readonly etag: string | null;
  readonly contentType: string | null;
  /** Whether it signs requests, for files that are not there too. */
  readonly presigns: boolean;
  /** Whether it gives files other names at each exporter. */
  readonly renames: Readonly<Record<Side["name"], boolean>>;
}

const plain = { etag: null, contentType: null, presigns: false } as const;
const storages: readonly StorageTraits[] = [
  { ...plain, name: "folder", keepsDirectories: true, renames: { Python: true, ours: true } },
  // The Python driver's memory can rename nothing.
  { ...plain, name: "scratch", keepsDirectories: false, renames: { Python: false, ours: true } },
];

/** What every storage that can be written is asked. */
export function storageRows(storage: StorageTraits): Row<Bench>[] {
  const { name } = storage;
  return [
    { name: `${name}: bytes of every kind`, run: (cell) => everyByte(cell, name) },
    { name: `${name}: an empty file`, run: (cell) => emptyFile(cell, name) },
    { name: `${name}: a file by its handle`, run: (cell) => byHandle(cell, name) },
    { name: `${name}: metadata and hashes`, run: (cell) => metadata(cell, storage) },
    { name: `${name}: directories`, run: (cell) => directories(cell, storage) },
    { name: `${name}: what is not there`, run: (cell) => notThere(cell, storage) },
  ];
}

/** Our client of a storage. */
export const storageOf = (exporter: Exporter, name: string): OpendalClient => exporter.driver(name, OpendalClient);

/** What users do with storages. */
export const storage = defineArea<StorageBench>({
  name: "storage",
  async open(place) {
    const root = place.path("folder");
    await Deno.mkdir(root);
    return {
      root,
      entries: {
        folder: { type: storageType, config: { scheme: "fs", kwargs: { root } } },
        scratch: { type: storageType, config: { scheme: "memory", kwargs: {} } },
      },
    };
  },
  rows: [
    ...storages.flatMap(storageRows),
    { name: "folder: copy and rename", run: copyAndRename },
    { name: "folder: files of this machine", run: localFiles },
    { name: "folder: a cut upload leaves what was there", notRun: pythonExporter, run: cutUpload },
    { name: "folder: 8 MiB there and back", run: bigFile },
    { name: "folder: by j", notRun: pythonCommands, run: byCommand },
  ],
});

function pythonExporter({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python" ? "the Python driver writes into the target itself" : undefined;
}

function pythonCommands({ client }: Pairing): string | undefined {
  return client.name === "Python" ? "the Python client hides its commands from j" : undefined;
}

async function everyByte({ ask }: Cell<Bench>, name: string): Promise<void> {
  const answer = await ask({
    python: `
      client.${name}.write_bytes("some/where.bin", bytes(range(256)) * 300)
      return [list(client.${name}.read_bytes("some/where.bin")[:256]), len(client.${name}.read_bytes("some/where.bin"))]
    `,
    async ours(exporter) {
      const bytes = Uint8Array.from({ length: 256 * 300 }, (_, index) => index % 256);
      await storageOf(exporter, name).writeBytes("some/where.bin", bytes);
      const read = await storageOf(exporter, name).readBytes("some/where.bin");
      return [[...read.subarray(0, 256)], read.length];
    },
  });
  assert.deepEqual(answer, [Array.from({ length: 256 }, (_, index) => index), 256 * 300]);
}

async function emptyFile({ ask }: Cell<Bench>, name: string): Promise<void> {
  const answer = await ask({
    python: `
      storage = client.${name}
      storage.write_bytes("empty", b"")
      storage.open("untouched", "wb").close()
      return [len(storage.read_bytes(path)) for path in ("empty", "untouched")]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, name);
      await storage.writeBytes("empty", "");
      await (await storage.open("untouched", "wb")).close();
      return [(await storage.readBytes("empty")).length, (await storage.readBytes("untouched")).length];
    },
  });
  assert.deepEqual(answer, [0, 0]);
}

async function byHandle({ ask }: Cell<Bench>, name: string): Promise<void> {
  const answer = await ask({
    python: `
      storage = client.${name}
      file = storage.open("handle", "wb")
      states = [[file.closed, file.readable(), file.seekable(), file.writable()]]
      file.write_bytes(b"01234")
      file.write_bytes(b"56789")
      file.close()
      states.append([file.closed, file.readable(), file.seekable(), file.writable()])
      file = storage.open("handle", "rb")
      states.append([file.closed, file.readable(), file.seekable(), file.writable()])
      positions = [file.seek(2), file.seek(3, 1), file.seek(-3, 2), file.tell()]
      rest = [file.read_bytes().decode(), file.read_bytes().decode(), file.tell()]
      file.close()
      return [states, positions, rest, file.closed]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, name);
      type File = Awaited<ReturnType<typeof storage.open>>;
      const statesOf = async (file: File) => [
        await file.isClosed(),
        await file.isReadable(),
        await file.isSeekable(),
        await file.isWritable(),
      ];
      const rest = async (file: File) => new TextDecoder().decode(await file.readBytes());
      let file = await storage.open("handle", "wb");
      const states = [await statesOf(file)];
      await file.write("01234");
      await file.write("56789");
      await file.close();
      states.push(await statesOf(file));
      file = await storage.open("handle", "rb");
      states.push(await statesOf(file));
      const positions = [
        await file.seek(2),
        await file.seek(3, "current"),
        await file.seek(-3, "end"),
        await file.tell(),
      ];
      const read = [await rest(file), await rest(file), await file.tell()];
      await file.close();
      return [states, positions, read, await file.isClosed()];
    },
  });
  // Closed, readable, seekable, writable.
  const states = [[false, false, false, true], [true, false, false, false], [false, true, true, false]];
  assert.deepEqual(answer, [states, [2, 5, 7, 7], ["789", "", 10], true]);
}

async function metadata({ ask, exporter }: Cell<Bench>, storage: StorageTraits): Promise<void> {
  const { name, etag, contentType, presigns, renames } = storage;
  const answer = await ask({
    python: `
      storage = client.${name}
      storage.write_bytes("m/file", b"hello")
      found = storage.stat("m/file")
      return [
          found.content_length, found.mode.is_file(), found.mode.is_dir(), found.content_type, found.etag,
          storage.stat("m/").mode.is_dir(), storage.hash("m/file"), storage.hash("m/file", "md5"),
          [storage.capability().rename, storage.capability().presign_read],
      ]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, name);
      await storage.writeBytes("m/file", "hello");
      const found = await storage.stat("m/file");
      const { presign_read = null, rename = null } = await storage.capability();
      return [
        found.contentLength,
        found.isFile,
        found.isDirectory,
        found.contentType ?? null,
        found.etag ?? null,
        (await storage.stat("m/")).isDirectory,
        await storage.hash("m/file"),
        await storage.hash("m/file", "md5"),
        [rename, presign_read],
      ];
    },
  });
  const sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  const md5 = "5d41402abc4b2a76b9719d911017c592";
  const can = [renames[exporter.name], presigns];
  assert.deepEqual(answer, [5, true, false, contentType, etag, true, sha256, md5, can]);
}

async function directories({ ask }: Cell<Bench>, { name, keepsDirectories }: StorageTraits): Promise<void> {
  const answer = await ask({
    python: `
      storage = client.${name}
      storage.create_dir("d/e/")
      storage.write_bytes("d/f", b"x")
      storage.write_bytes("d/e/g", b"x")
      seen = [sorted(storage.list("d/")), sorted(storage.scan("d/")), list(storage.list("nope/"))]
      storage.delete("d/f")
      storage.delete("d/f")
      storage.remove_all("d/e/")
      there = [storage.exists(path) for path in ("d/f", "d/e/g", "d/e/", "d/")]
      storage.remove_all("d/")
      return [seen, there, storage.exists("d/"), [path for path in storage.get_created_resources() if path[0] == "d"]]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, name);
      const sorted = async (paths: AsyncIterable<string>) => (await Array.fromAsync(paths)).sort();
      await storage.createDir("d/e/");
      await storage.writeBytes("d/f", "x");
      await storage.writeBytes("d/e/g", "x");
      const seen = [
        await sorted(storage.list("d/")),
        await sorted(storage.scan("d/")),
        await sorted(storage.list("nope/")),
      ];
      await storage.delete("d/f");
      await storage.delete("d/f");
      await storage.removeAll("d/e/");
      const there = await Promise.all(["d/f", "d/e/g", "d/e/", "d/"].map((path) => storage.exists(path)));
      await storage.removeAll("d/");
      const created = (await storage.createdResources()).filter((path) => path.startsWith("d"));
      return [seen, there, await storage.exists("d/"), created];
    },
  });
  const own = keepsDirectories ? ["d/"] : [];
  const [seen, there, isThere] = answer as Json[];
  assert.deepEqual(seen, [[...own, "d/e/", "d/f"], [...own, "d/e/", "d/e/g", "d/f"], []]);
  assert.deepEqual(there, [false, false, false, keepsDirectories]);
  assert.equal(isThere, false);
}

/** Defines `attempt(use)`: the name of the exception that a use ends with, or "no error". */
export const attemptInPython = `
      def attempt(use):
          try:
              use()
              return "no error"
          except Exception as error:
              return type(error).__name__
`;

/** The same of a use of ours: the code of its error. */
export function attempt(use: Promise<unknown>): Promise<string> {
  return use.then(() => "no error", ({ code }: JumpstarterError) => code);
}

async function notThere({ ask, client, exporter }: Cell<Bench>, { name, presigns }: StorageTraits): Promise<void> {
  const answer = await ask({
    python: `${attemptInPython}
      storage = client.${name}
      return [
          attempt(lambda: storage.stat("nope")), attempt(lambda: storage.read_bytes("nope")),
          attempt(lambda: storage.hash("nope")), attempt(lambda: storage.presign_read("nope", 60)),
          attempt(lambda: storage.call("hash", "nope", "sha1")), storage.exists("nope"),
      ]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, name);
      return [
        await attempt(storage.stat("nope")),
        await attempt(storage.readBytes("nope")),
        await attempt(storage.hash("nope")),
        await attempt(storage.presignRead("nope", 60)),
        await attempt(storage.call("hash", ["nope", "sha1"])),
        await storage.exists("nope"),
      ];
    },
  });
  const unsupported = exporter.name === "Python" ? "DriverError" : "DriverMethodNotImplemented";
  const [missing, unsigned, wrong] = client.name === "Python"
    ? ["DriverError", unsupported, "DriverInvalidArgument"]
    : ["not_found", "unimplemented", "invalid_argument"];
  assert.deepEqual(answer, [missing, missing, missing, presigns ? "no error" : unsigned, wrong, false]);
}

async function copyAndRename({ ask, bench }: Cell<StorageBench>): Promise<void> {
  await ask({
    python: `
      client.folder.write_bytes("c/one", b"content")
      client.folder.copy("c/one", "c/two")
      client.folder.rename("c/two", "c/three/four")
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, "folder");
      await storage.writeBytes("c/one", "content");
      await storage.copy("c/one", "c/two");
      await storage.rename("c/two", "c/three/four");
    },
  });
  for (const path of ["c/one", "c/three/four"]) {
    assert.equal(await Deno.readTextFile(`${bench.root}/${path}`), "content");
  }
  await assert.rejects(Deno.stat(`${bench.root}/c/two`), Deno.errors.NotFound);
}

async function localFiles({ ask, bench, place }: Cell<StorageBench>): Promise<void> {
  const source = await place.write("source.img", "an image"), back = place.path("back.img");
  await ask({
    python: `
      client.folder.write_from_path("images/one.img", ${JSON.stringify(source)})
      client.folder.read_into_path("images/one.img", ${JSON.stringify(back)})
    `,
    async ours(exporter) {
      await storageOf(exporter, "folder").writeFromPath("images/one.img", source);
      await storageOf(exporter, "folder").readIntoPath("images/one.img", back);
    },
  });
  assert.equal(await Deno.readTextFile(`${bench.root}/images/one.img`), "an image");
  assert.equal(await Deno.readTextFile(back), "an image");
  await Deno.remove(back);
}

/** A Python program that dies in the midst of an upload. */
const DYING = `
import os
from io import BytesIO
from jumpstarter.utils.env import env
from jumpstarter_driver_opendal.client import BytesIOStream

class Dying(BytesIOStream):
    async def receive(self):
        if self.buf.tell() > 200000:
            os._exit(9)
        return await BytesIOStream.receive(self)

with env() as client:
    file = client.folder.open("kept", "wb")
    with client.portal.wrap_async_context_manager(Dying(buf=BytesIO(bytes(300000)))) as stream:
        with client.portal.wrap_async_context_manager(client.folder.resource_async(stream)) as handle:
            client.folder.call("file_write", file.fd, handle)
`;

async function cutUpload({ ask, bench }: Cell<StorageBench>): Promise<void> {
  await Deno.writeTextFile(`${bench.root}/kept`, "whole");
  const outcome = await ask({
    python: `
      import subprocess, sys
      return subprocess.run([sys.executable, "-c", ${JSON.stringify(DYING)}], stdin=subprocess.DEVNULL).returncode
    `,
    async ours(exporter) {
      let count = 0;
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (count++ < 4) controller.enqueue(new Uint8Array(65_536));
          else controller.error(new Error("the disk is gone"));
        },
      });
      return await storageOf(exporter, "folder").write("kept", source).then(() => "done", (error) => error.message);
    },
  });
  assert.ok([9, "the disk is gone"].includes(outcome as string), String(outcome));
  const names = async () => (await Array.fromAsync(Deno.readDir(bench.root))).map(({ name }) => name);
  await until("what was half written is gone", async () => !(await names()).some((name) => name.endsWith(".part")));
  assert.equal(await Deno.readTextFile(`${bench.root}/kept`), "whole");
}

async function bigFile({ ask, bench }: Cell<StorageBench>): Promise<void> {
  const answer = await ask({
    python: `
      import hashlib
      data = bytes(range(256)) * (8 * 4096)
      client.folder.write_bytes("big", data)
      read = client.folder.read_bytes("big")
      return [len(read), read == data, client.folder.hash("big") == hashlib.sha256(data).hexdigest()]
    `,
    async ours(exporter) {
      const data = new Uint8Array(8 * 1024 * 1024).map((_, index) => index % 256);
      const storage = storageOf(exporter, "folder");
      await storage.writeBytes("big", data);
      const read = await storage.readBytes("big");
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex();
      const isSame = read.every((byte, index) => byte === data[index]);
      return [read.length, isSame, await storage.hash("big") === hash];
    },
  });
  assert.deepEqual(answer, [8 * 1024 * 1024, true, true]);
  await Deno.remove(`${bench.root}/big`);
}

async function byCommand({ session }: Cell<StorageBench>): Promise<void> {
  const said = async (command: string) => {
    const { code, stdout, stderr } = await session.run(command);
    return [code, stdout, stderr];
  };
  assert.deepEqual(await said("printf hello | j folder write-bytes by/j"), [0, "", ""]);
  assert.deepEqual(await said("j folder read-bytes by/j"), [0, "hello", ""]);
  assert.deepEqual(await said("j folder exists by/nobody"), [1, "false\n", ""]);
  const [code, , stderr] = await said("j folder read-bytes by/nobody");
  assert.equal(code, 1);
  assert.match(String(stderr), /^j: [^\n]+\n$/);
}
