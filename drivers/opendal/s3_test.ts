/** An object store as a storage; what it has in common with the others is in storage_contract_test.ts. */
import assert from "node:assert/strict";
import type { JumpstarterError } from "../../src/errors.ts";
import { permissionFlags } from "../../src/permission.ts";
import { type S3Server, startS3Server, whyNoS3Server } from "../../tests/fixtures/s3_server.ts";
import { client, failsWith, serveStorages, text } from "./bench_test.ts";
import { opendal } from "./driver.ts";
import { WritableFile } from "./open_file.ts";
import type { S3Settings } from "./s3_bucket.ts";
import { S3Storage } from "./s3_storage.ts";
import { Bench, calm } from "./storage_bench_test.ts";
import { parsePath } from "./storage_path.ts";

const why = await whyNoS3Server();
const open = (settings: S3Settings, root?: string) => new Bench(new S3Storage(settings, root));

/** A test against the object store, which starts anew for it. */
function test(name: string, run: (server: S3Server) => Promise<void>): void {
  Deno.test({
    name: why === undefined ? name : `${name} (NOT RUN: ${why})`,
    ignore: why !== undefined,
    async fn() {
      await using server = await startS3Server();
      await run(server);
    },
  });
}

/** A store that answers as a test says, and notes what it was asked. */
function serve(answer: (request: Request, count: number) => Response | Promise<Response>) {
  const asked: { readonly url: string; readonly headers: Headers }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    asked.push({ url: request.url, headers: new Headers([...request.headers]) });
    await request.arrayBuffer();
    return answer(request, asked.length);
  });
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const settings = { endpoint, bucket: "b", region: "r", access_key_id: "id", secret_access_key: "the-secret" };
  return { asked, settings, [Symbol.asyncDispose]: () => server.shutdown() };
}

test("through the driver: all of its methods", async ({ kwargs }) => {
  await using bench = await serveStorages({ storage: { scheme: "s3", kwargs: { ...kwargs, root: "/a/b" } } });
  const storage = client(bench);
  await storage.writeBytes("d/one", "0123456789");
  {
    await using file = await storage.open("d/one", "rb");
    assert.equal(await file.seek(-3, "end"), 7);
    assert.equal(text(await file.readBytes()), "789");
    assert.equal(await file.tell(), 10);
  }
  const written = await storage.open("d/two", "wb");
  await written.write("some");
  await written.write("thing");
  assert.equal(await storage.exists("d/two"), false);
  await written.close();
  await storage.copy("d/one", "d/three");
  await storage.rename("d/two", "d/e/four");
  assert.deepEqual(await Array.fromAsync(storage.list("d")), ["d/e/", "d/one", "d/three"]);
  assert.deepEqual(await Array.fromAsync(storage.scan("/")), ["d/e/four", "d/one", "d/three"]);
  assert.equal(text(await storage.readBytes("d/e/four")), "something");
  assert.match(await failsWith("unimplemented", storage.rename("d/e", "d/f")), /renames files alone/);
  const { contentLength, isFile, etag } = await storage.stat("d/one");
  assert.deepEqual([contentLength, isFile, etag], [10, true, '"781e5e245d69b566979b86e28d23f2c7"']);
  assert.match(await storage.hash("d/one"), /^84d89877f0d4041efb6bf91a16f0248f/);
  await storage.createDir("d/g/");
  assert.equal(await storage.exists("d/g/"), true);
  await storage.delete("d/one");
  await storage.removeAll("d/");
  assert.deepEqual(await Array.fromAsync(storage.scan("/")), []);
  const { read, write, list, copy, rename, presign_write, shared } = await storage.capability();
  assert.deepEqual([read, write, list, copy, rename, presign_write, shared], Array(7).fill(true));
  assert.deepEqual(await storage.createdResources(), []);
});

test("a request that was signed ahead needs no credentials, and is good for nothing else", async ({ kwargs }) => {
  await using storage = open(kwargs);
  const presign = (method: "GET" | "HEAD" | "PUT", path: string) =>
    storage.storage.presign(method, parsePath(path), 60);
  const { url, method, headers } = await presign("PUT", "d/x y+ü");
  assert.equal((await fetch(url, { method, headers, body: "hello" })).status, 200);
  const got = await fetch((await presign("GET", "d/x y+ü")).url);
  assert.deepEqual([got.status, await got.text()], [200, "hello"]);
  const told = await fetch((await presign("HEAD", "d/x y+ü")).url, { method: "HEAD" });
  assert.deepEqual([told.status, told.headers.get("content-length")], [200, "5"]);
  const other = await fetch(url);
  await other.body?.cancel();
  assert.equal(other.status, 403);
  await using colder = open({ ...kwargs, objectHeaders: { "x-amz-storage-class": "STANDARD_IA" } });
  const put = await colder.storage.presign("PUT", parsePath("d/cold"), 60);
  const statusWith = async (headers: HeadersInit) =>
    (await fetch(put.url, { method: "PUT", headers, body: "x" })).status;
  assert.deepEqual([await statusWith({}), await statusWith(put.headers)], [403, 200]);
  assert.match(url, /X-Amz-Expires=60/);
  assert.doesNotMatch(url, /secret/i);
});

test("a large file goes in parts, and is there when the last one is", async ({ kwargs, asked }) => {
  await using storage = open(kwargs);
  const size = 20 * 1024 * 1024 + 7;
  const content = new Uint8Array(size).map((_, index) => index % 251);
  {
    await using writer = await storage.storage.openWriter(parsePath("big"), calm);
    for (let at = 0; at < size; at += 100_000) await writer.write(content.subarray(at, at + 100_000));
    assert.equal(await storage.look("big"), "not_found");
    await writer.commit();
  }
  assert.equal(await storage.look("big"), `file ${size}`);
  await using reader = await storage.storage.openReader(parsePath("big"), calm);
  const read = new Uint8Array(
    await new Blob(await Array.fromAsync(reader.read(9_000_000, calm)) as never).arrayBuffer(),
  );
  assert.deepEqual(read, content.subarray(9_000_000));
  assert.equal(asked.filter((line) => line.includes("partNumber=")).length, 3);
  {
    await using writer = await storage.storage.openWriter(parsePath("given up"), calm);
    await writer.write(content);
  }
  assert.equal(await storage.look("given up"), "not_found");
  assert.match(
    asked.filter((line) => !line.startsWith("HEAD") && !line.startsWith("GET")).at(-1) ?? "",
    /^DELETE .*uploadId=/,
  );
});

test("a wrong key and a bucket that is not there are told, and no secret", async ({ kwargs }) => {
  await using bench = await serveStorages({
    storage: { scheme: "s3", kwargs: { ...kwargs, secret_access_key: "not-the-secret-one" } },
    nowhere: { scheme: "s3", kwargs: { ...kwargs, bucket: "nowhere" } },
  });
  const said = [
    await failsWith("io", Array.fromAsync(client(bench).list("/"))),
    await failsWith("io", client(bench).writeBytes("f", "x")),
    await failsWith("io", client(bench).readBytes("f")),
    await failsWith("io", client(bench, "nowhere").readBytes("f")),
  ];
  assert.match(said[0] ?? "", /bench-bucket\/ refuses the exporter \(403, SignatureDoesNotMatch\)/);
  assert.match(said[3] ?? "", /there is no bucket "nowhere" at http:/);
  assert.doesNotMatch(said.join(), /not-the-secret-one|S3RVER/);
});

Deno.test("a file that is replaced while it is read fails", async () => {
  await using server = serve(({ method, headers }) => {
    if (method === "HEAD") return new Response(null, { headers: { "content-length": "10", etag: '"v1"' } });
    return headers.get("if-match") === '"v1"'
      ? new Response("<Error><Code>PreconditionFailed</Code></Error>", { status: 412 })
      : new Response("0123456789");
  });
  await using storage = open(server.settings);
  assert.match(await failsWith("io", storage.read("f")), /"f" was changed while it was being read/);
});

Deno.test("a store that pays no heed to the condition is not believed", async () => {
  await using server = serve(({ method }) =>
    new Response(method === "HEAD" ? null : "0123456789", {
      headers: { "content-length": "10", etag: method === "HEAD" ? '"v1"' : '"v2"' },
    })
  );
  await using storage = open(server.settings);
  assert.match(await failsWith("io", storage.read("f")), /"f" was changed while it was being read/);
});

Deno.test("a store that is busy is asked again, and what it says at last is told", async () => {
  const busy = () => new Response("<Error><Code>SlowDown</Code></Error>", { status: 503 });
  await using soon = serve((_, count) =>
    count === 1 ? busy() : new Response(null, { headers: { "content-length": "3" } })
  );
  await using storage = open(soon.settings);
  assert.equal(await storage.look("f"), "file 3");
  await using never = serve(busy);
  await using other = open(never.settings);
  assert.match(await failsWith("unavailable", other.list("/")), /\/b\/ answered 503, SlowDown/);
  assert.equal(never.asked.length, 3);
});

Deno.test("an object whose name a URL would take for another is refused, and nothing is removed", async () => {
  for (const key of ["d/../other", "d/.", "../b2/f"]) {
    await using server = serve(({ method }) =>
      method === "DELETE"
        ? new Response(null, { status: 204 })
        : new Response(`<ListBucketResult><Key>${key}</Key></ListBucketResult>`)
    );
    await using storage = open(server.settings);
    const said = await failsWith("io", storage.storage.removeAll?.(parsePath("d/"), calm) ?? assert.fail());
    assert.match(said, new RegExp(`^the object "${key}" is out of reach: `));
    assert.deepEqual(server.asked.map(({ url }) => new URL(url).pathname), ["/b/"]);
  }
});

Deno.test("a file that is given up does not wait for the part under way", async () => {
  const asking = Promise.withResolvers<void>(), answer = Promise.withResolvers<Response>();
  await using server = serve(({ method }) => {
    if (method === "POST") return new Response("<UploadId>1</UploadId>");
    if (method !== "PUT") return new Response(null, { status: 204 });
    asking.resolve();
    return answer.promise;
  });
  const writer = new S3Storage(server.settings).openWriter(parsePath("f"), calm);
  const file = new WritableFile("f", await writer, () => {});
  const writing = file.write(() => Promise.resolve(ReadableStream.from([new Uint8Array(9 << 20)])), calm);
  await asking.promise;
  const [wasOpen] = await Promise.allSettled([file.discard(), writing]);
  answer.resolve(new Response());
  assert.equal(wasOpen.status, "fulfilled");
  assert.match(await failsWith("cancelled", writing), /given up/);
});

Deno.test("parts that the store keeps of a file that is given up are told of", async () => {
  for (const [status, told] of [[403, [/ of "d\/f": it answered 403$/]], [404, []]] as const) {
    await using server = serve(({ method }) => {
      if (method === "POST") return new Response("<UploadId>1</UploadId>");
      return new Response(null, method === "DELETE" ? { status } : {});
    });
    const warnings: string[] = [];
    await using storage = new S3Storage(server.settings, "d", (warning) => warnings.push(warning));
    {
      await using writer = await storage.openWriter(parsePath("f"), calm);
      await writer.write(new Uint8Array(9 << 20));
    }
    assert.equal(warnings.length, told.length, warnings.join());
    told.forEach((pattern, index) => assert.match(warnings[index] ?? "", pattern));
  }
});

Deno.test("an answer that ends with an error is none", async () => {
  await using server = serve(({ method, url }) => {
    if (method === "HEAD" && url.endsWith("/a")) return new Response(null, { headers: { "content-length": "1" } });
    if (method === "HEAD") return new Response(null, { status: 404 });
    return new Response(method === "PUT" ? " <Error><Code>InternalError</Code></Error>" : "<ListBucketResult/>");
  });
  await using storage = open(server.settings);
  assert.match(await failsWith("io", storage.move("copy", "a", "c")), /\/b\/c ended with InternalError/);
});

Deno.test("a listing goes on to its last page, with names of any kind", async () => {
  await using server = serve(({ url }) => {
    const { searchParams } = new URL(url);
    if (searchParams.get("max-keys") === "1") return new Response("<ListBucketResult/>");
    const isFirst = searchParams.get("continuation-token") === null;
    const page = isFirst
      ? "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>" +
        "<Contents><Key>d/a%20%26+%C3%BC%01</Key></Contents>"
      : "<IsTruncated>false</IsTruncated><Contents><Key>d/&lt;x&gt;&#38;&#x41;</Key></Contents>" +
        "<CommonPrefixes><Prefix>d/e/</Prefix></CommonPrefixes>";
    return new Response(`<ListBucketResult><Prefix>d/</Prefix>${page}</ListBucketResult>`);
  });
  await using storage = open(server.settings);
  assert.deepEqual(await storage.list("d/"), ["d/<x>&A", "d/a & ü\x01", "d/e/"]);
  assert.equal(new URL(server.asked.at(-1)?.url ?? "").searchParams.get("continuation-token"), "a&b");
});

Deno.test("the right region is told, the host may name the bucket, and anonymous requests are not signed", async () => {
  await using server = serve(() => new Response(null, { status: 301, headers: { "x-amz-bucket-region": "eu-x" } }));
  const error = await new S3Storage(server.settings).openReader(parsePath("f"), calm)
    .then(() => assert.fail(), (error: JumpstarterError) => error);
  assert.match(error.message, /\/b\/f is in another region than "r"/);
  assert.equal(error.hint, 'set "region" to "eu-x"');
  const { endpoint, region } = server.settings;
  const host = open({ endpoint: "https://s3.example", region, bucket: "b", isVirtualHost: true });
  assert.equal((await host.storage.presign("GET", parsePath("f"), 9)).url, "https://b.s3.example/f");
  const amazon = open({ region: "eu-1", bucket: "b" });
  assert.equal((await amazon.storage.presign("GET", parsePath("f"), 9)).url, "https://s3.eu-1.amazonaws.com/b/f");
  await open({ endpoint, region, bucket: "b" }).look("f");
  assert.equal(server.asked.at(-1)?.headers.get("authorization"), null);
});

Deno.test("what a config must say, and what its storage needs", async () => {
  const kwargs = { bucket: "b", region: "r", endpoint: "https://s3.example", access_key_id: "id" };
  const refused = (kwargs: object) => failsWith("config", serveStorages({ s: { scheme: "s3", kwargs } }));
  assert.match(await refused(kwargs), /"secret_access_key"/);
  assert.match(await refused({ ...kwargs, secret_acess_key: "hidden-one" }), /did you mean "secret_access_key"\?/);
  assert.match(await refused({ ...kwargs, secret_access_key: "hidden-one", bucket: undefined }), /missing "bucket"/);
  for (
    const wrong of [{ secret_access_key: 271828 }, { secret_access_key: ["hidden-one"] }, {
      secret_acess_key: "hidden-one",
    }]
  ) {
    assert.doesNotMatch(await refused({ ...kwargs, ...wrong }), /271828|hidden-one/);
  }
  const config = { scheme: "s3", kwargs: { ...kwargs, secret_access_key: "s" }, remove_created_on_close: false };
  assert.deepEqual(permissionFlags(opendal.permissions?.(config) ?? []), ["--allow-net=s3.example"]);
  await using bench = await serveStorages({ s: { scheme: "s3", kwargs: { ...kwargs, allow_anonymous: "true" } } });
  assert.equal((await client(bench, "s").capability()).presign_read, true);
});
