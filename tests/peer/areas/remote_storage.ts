/** Storages elsewhere: a bucket of an object store, and web servers with TLS and without. */
import assert from "node:assert/strict";
import type { JumpstarterError } from "../../../src/errors.ts";
import { type FileServer, serveFiles } from "../../fixtures/file_server.ts";
import { type S3Server, startS3Server, whyNoS3Server } from "../../fixtures/s3_server.ts";
import { type Bench, type Cell, defineArea, type Pairing, type Row } from "../support/area.ts";
import {
  attempt,
  attemptInPython,
  storageOf,
  storageRows,
  type StorageTraits,
  storageType as type,
} from "./storage.ts";

interface RemoteBench extends Bench {
  /** The object store; there is none where its tests are not run. */
  readonly store?: S3Server;
  readonly web: FileServer;
}

const whyNoStore = await whyNoS3Server();

const bucket: StorageTraits = {
  name: "bucket",
  keepsDirectories: false,
  etag: '"5d41402abc4b2a76b9719d911017c592"',
  contentType: "binary/octet-stream",
  presigns: true,
  renames: { Python: false, ours: true },
};

/** A row that needs the object store. */
function inStore<B extends Bench>(row: Row<B>): Row<B> {
  return { ...row, notRun: () => whyNoStore };
}

const text = "0123456789".repeat(20_000);

/** What users do with storages of other machines. */
export const remoteStorage = defineArea<RemoteBench>({
  name: "remote storage",
  async open(_place, _pairing, { cert, key }) {
    await using stack = new AsyncDisposableStack();
    const store = whyNoStore === undefined ? stack.use(await startS3Server({ takesUnsignedBodies: true })) : undefined;
    const web = stack.use(serveFiles({ "/files/d/some%20file": text }));
    const certificate = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
    const secure = stack.use(serveFiles({ "/files/d/some%20file": text }, certificate));
    const wrongKey = { ...store?.kwargs, secret_access_key: "not-the-secret-one" };
    const owned = stack.move();
    return {
      store,
      web,
      entries: {
        ...(store && {
          bucket: { type, config: { scheme: "s3", kwargs: { ...store.kwargs, root: "/a/b" } } },
          locked: { type, config: { scheme: "s3", kwargs: wrongKey } },
        }),
        web: { type, config: { scheme: "http", kwargs: { endpoint: web.url, root: "/files" } } },
        secure: { type, config: { scheme: "http", kwargs: { endpoint: secure.url, root: "/files" } } },
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
  rows: [
    ...storageRows(bucket).map(inStore),
    ...[
      { name: "bucket: copy and rename", remark: withoutRename, run: copyAndRename },
      { name: "bucket: requests that are signed for others", run: signedRequests },
      { name: "bucket: a wrong key is refused, and not told", run: wrongKey },
    ].map(inStore),
    { name: "bucket: a file in parts", notRun: (pairing) => whyNoStore ?? beyondConnection(pairing), run: inParts },
    { name: "web: a file, and its end", run: (cell) => readFile(cell, "web") },
    { name: "web: metadata and hashes", run: webMetadata },
    { name: "web: what a web server does not do", run: readOnly },
    { name: "web, https: a file, and its end", notRun: builtInRoots, run: (cell) => readFile(cell, "secure") },
  ],
});

function withoutRename({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python" ? "the Python driver cannot rename in a bucket, and says so" : undefined;
}

/** Why a row with much to move between an exporter and its store is left out. */
function beyondConnection({ security }: Pairing): string | undefined {
  if (security === "plaintext" || security === "TLS+passphrase") return undefined;
  return "how the client is connected has no part in it, so this runs in plaintext and by TLS with a passphrase";
}

function builtInRoots({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python"
    ? "OpenDAL's Python package trusts no authorities but those that are built into it"
    : undefined;
}

async function copyAndRename({ ask, client, exporter }: Cell<RemoteBench>): Promise<void> {
  const answer = await ask({
    python: `
      storage = client.bucket
      storage.write_bytes("c/one", b"content")
      storage.copy("c/one", "c/two")
      try:
          storage.rename("c/two", "c/three/four")
          outcome = "renamed"
      except Exception as error:
          outcome = type(error).__name__
      return [outcome, sorted(storage.scan("c/")), [storage.read_bytes(path).decode() for path in storage.scan("c/")]]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, "bucket");
      await storage.writeBytes("c/one", "content");
      await storage.copy("c/one", "c/two");
      const outcome = await storage.rename("c/two", "c/three/four")
        .then(() => "renamed", ({ code }: JumpstarterError) => code);
      const paths = (await Array.fromAsync(storage.scan("c/"))).sort();
      const read = async (path: string) => new TextDecoder().decode(await storage.readBytes(path));
      return [outcome, paths, await Promise.all(paths.map(read))];
    },
  });
  const refusal = client.name === "Python" ? "DriverError" : "unimplemented";
  const [outcome, last] = exporter.name === "Python" ? [refusal, "c/two"] : ["renamed", "c/three/four"];
  assert.deepEqual(answer, [outcome, ["c/one", last].sort(), ["content", "content"]]);
}

async function signedRequests({ ask }: Cell<RemoteBench>): Promise<void> {
  const [write, stat, read] = await ask({
    python: `
      ways = client.bucket.presign_write, client.bucket.presign_stat, client.bucket.presign_read
      return [presign("p/q r", 60).model_dump(mode="json") for presign in ways]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, "bucket");
      const signed = [
        await storage.presignWrite("p/q r", 60),
        await storage.presignStat("p/q r", 60),
        await storage.presignRead("p/q r", 60),
      ];
      return signed.map(({ url, method, headers }) => ({ url, method, headers: { ...headers } }));
    },
  }) as { url: string; method: string; headers: Record<string, string> }[];
  const send = async (request: typeof write, body?: string) => {
    const { url, ...rest } = request ?? assert.fail("a request is missing");
    const answer = await fetch(url, { ...rest, ...(body === undefined ? {} : { body }) });
    return [answer.status, answer.headers.get("content-length"), await answer.text()];
  };
  assert.deepEqual((await send(write, "signed"))[0], 200);
  assert.deepEqual(await send(stat), [200, "6", ""]);
  assert.deepEqual(await send(read), [200, "6", "signed"]);
}

async function inParts({ ask, bench }: Cell<RemoteBench>): Promise<void> {
  const before = bench.store?.asked.length;
  const answer = await ask({
    python: `
      import hashlib
      data = bytes(range(256)) * (9 * 4096)
      client.bucket.write_bytes("big", data)
      read = client.bucket.read_bytes("big")
      is_hash = client.bucket.hash("big") == hashlib.sha256(data).hexdigest()
      client.bucket.delete("big")
      return [len(read), read == data, is_hash, client.bucket.exists("big")]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, "bucket");
      const data = new Uint8Array(9 << 20).map((_, index) => index % 256);
      await storage.writeBytes("big", data);
      const read = await storage.readBytes("big");
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex();
      const isHash = await storage.hash("big") === hash;
      await storage.delete("big");
      return [read.length, read.every((byte, index) => byte === data[index]), isHash, await storage.exists("big")];
    },
  });
  assert.deepEqual(answer, [9 << 20, true, true, false]);
  const parts = bench.store?.asked.slice(before).filter((line) => line.includes("partNumber="));
  assert.equal(parts?.length, 2, String(parts));
}

async function wrongKey({ ask, client, running }: Cell<RemoteBench>): Promise<void> {
  const answer = await ask({
    python: `
      try:
          return client.locked.read_bytes("f").decode()
      except Exception as error:
          return [type(error).__name__, str(error)]
    `,
    ours: (exporter) =>
      storageOf(exporter, "locked").readBytes("f")
        .then(String, ({ code, message }: JumpstarterError) => [code, message]),
  }) as [string, string];
  assert.equal(answer[0], client.name === "Python" ? "DriverError" : "io");
  assert.match(answer[1], /403|PermissionDenied/);
  assert.doesNotMatch(`${answer[1]}${running.program.stderr}`, /not-the-secret-one/);
}

async function readFile({ ask }: Cell<RemoteBench>, name: string): Promise<void> {
  const answer = await ask({
    python: `
      storage = client.${name}
      file = storage.open("d/some file", "rb")
      position = file.seek(-3, 2)
      end = file.read_bytes().decode()
      file.close()
      return [storage.read_bytes("d/some file").decode(), position, end, storage.exists("d/nope")]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, name);
      const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      await using file = await storage.open("d/some file", "rb");
      const position = await file.seek(-3, "end");
      const end = read(await file.readBytes());
      return [read(await storage.readBytes("d/some file")), position, end, await storage.exists("d/nope")];
    },
  });
  assert.deepEqual(answer, [text, text.length - 3, "789", false]);
}

async function webMetadata({ ask, bench: { web } }: Cell<RemoteBench>): Promise<void> {
  const answer = await ask({
    python: `
      found = client.web.stat("d/some file")
      signed = client.web.presign_read("d/some file", 60)
      return [
          found.content_length, found.mode.is_file(), found.content_type, client.web.hash("d/some file", "md5"),
          signed.url, signed.method, [client.web.capability().read, client.web.capability().write],
      ]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, "web");
      const found = await storage.stat("d/some file");
      const signed = await storage.presignRead("d/some file", 60);
      const { read = null, write = null } = await storage.capability();
      return [
        found.contentLength,
        found.isFile,
        found.contentType ?? null,
        await storage.hash("d/some file", "md5"),
        signed.url,
        signed.method,
        [read, write],
      ];
    },
  });
  const type = "text/plain;charset=UTF-8", md5 = "bcc4bfca43786497d970f7d3e2fdd455";
  const url = `${web.url}/files/d/some%20file`;
  assert.deepEqual(answer, [text.length, true, type, md5, url, "GET", [true, false]]);
}

async function readOnly({ ask, client, exporter }: Cell<RemoteBench>): Promise<void> {
  const answer = await ask({
    python: `${attemptInPython}
      storage = client.web
      return [
          attempt(lambda: storage.write_bytes("f", b"x")), attempt(lambda: list(storage.list("/"))),
          attempt(lambda: storage.delete("d/some file")), attempt(lambda: storage.create_dir("e/")),
          attempt(lambda: storage.read_bytes("d/nope")),
      ]
    `,
    async ours(exporter) {
      const storage = storageOf(exporter, "web");
      return [
        await attempt(storage.writeBytes("f", "x")),
        await attempt(Array.fromAsync(storage.list("/"))),
        await attempt(storage.delete("d/some file")),
        await attempt(storage.createDir("e/")),
        await attempt(storage.readBytes("d/nope")),
      ];
    },
  });
  const unsupported = exporter.name === "Python" ? "DriverError" : "DriverMethodNotImplemented";
  const [refusal, missing] = client.name === "Python" ? [unsupported, "DriverError"] : ["unimplemented", "not_found"];
  assert.deepEqual(answer, [refusal, refusal, refusal, refusal, missing]);
}
