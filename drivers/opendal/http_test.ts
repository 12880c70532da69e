/** A web server as a storage. */
import assert from "node:assert/strict";
import { serveBytes, serveFiles } from "../../tests/fixtures/file_server.ts";
import { bytes, client, failsWith, serveStorages, text } from "./bench_test.ts";
import { HttpStorage } from "./http_storage.ts";
import { Bench, calm } from "./storage_bench_test.ts";
import { parsePath } from "./storage_path.ts";

/** A server that answers as a test says, and notes what it was asked. */
function serve(answer: (request: Request) => Response | Promise<Response>) {
  const asked: { readonly method: string; readonly path: string; readonly headers: Headers }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push({ method: request.method, path: pathname, headers: new Headers([...request.headers]) });
    return answer(request);
  });
  return { asked, url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

const open = (endpoint: string, more: object = {}) => new Bench(new HttpStorage({ endpoint, ...more }));

Deno.test("files are read from any offset, by names of any kind", async () => {
  const names = ["a b", "ü", "50%", "q?x#y", "it's (1)*!"];
  const files = Object.fromEntries(names.map((name) => [`/files/${encodeURIComponent(name)}`, `in ${name}`]));
  await using server = serveFiles({ "/files/plain": "0123456789", ...files });
  await using storage = open(`${server.url}/files/`);
  assert.equal(await storage.read("plain"), "0123456789");
  assert.equal(await storage.read("/plain", 4), "456789");
  assert.equal(await storage.read("plain", 10), "");
  assert.equal(await storage.look("plain"), "file 10");
  assert.equal(await storage.look("nope"), "not_found");
  assert.equal(await storage.look("/"), "directory");
  assert.equal(await failsWith("not_found", storage.read("nope")), 'there is no file "nope"');
  const decoded = { get: (path: string) => server.files.get(`/files/${path}`) };
  for (const name of names) {
    // The signs that encodeURIComponent leaves alone are encoded too; the server sees what it is to see.
    assert.equal(decoded.get(encodeURIComponent(name)), `in ${name}`);
  }
  await using rooted = open(server.url, { root: "/files" });
  assert.equal(await rooted.read("plain", 9), "9");
});

Deno.test("a part is asked for by its range, and taken from the whole where that is sent", async () => {
  for (const takesRanges of [true, false]) {
    await using server = serve(({ headers, method }) => {
      const [, start] = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "") ?? [];
      const etag = { etag: '"v1"', "accept-ranges": "bytes" };
      if (method === "HEAD") return new Response(null, { headers: { "content-length": "10", ...etag } });
      return start !== undefined && takesRanges
        ? new Response("0123456789".slice(Number(start)), { status: 206, headers: etag })
        : new Response("0123456789", { headers: etag });
    });
    await using storage = open(server.url);
    assert.equal(await storage.read("f", 7), "789");
    const { headers } = server.asked.at(-1) ?? assert.fail();
    assert.deepEqual([headers.get("range"), headers.get("if-match")], ["bytes=7-", '"v1"']);
    assert.equal(headers.get("accept-encoding"), "identity");
  }
});

Deno.test("a part that nobody asked for is no file", async () => {
  await using server = serve(() =>
    new Response("abc", { status: 206, headers: { "content-length": "3", "content-range": "bytes 0-2/9" } })
  );
  await using storage = open(server.url);
  await assert.rejects(storage.read("f"), { code: "io", message: /\/f has sent a part of the file/ });
});

Deno.test("a server that does not answer HEAD is asked for a first byte", async () => {
  await using server = serve(({ method, headers }) => {
    if (method === "HEAD") return new Response(null, { status: 405 });
    if (headers.get("range") !== "bytes=0-0") return new Response("hello");
    return new Response("h", { status: 206, headers: { "content-range": "bytes 0-0/5", etag: '"x"' } });
  });
  await using storage = open(server.url);
  assert.equal(await storage.look("f"), "file 5");
  assert.equal(await storage.read("f"), "hello");
});

Deno.test("what a server says of a file is passed on, and no length is not made up", async () => {
  const headers = { "content-type": "image/x", "content-disposition": "inline", "content-md5": "bWQ1", etag: '"e"' };
  await using server = serve(({ url, method }) => {
    if (url.endsWith("/endless")) {
      if (method === "HEAD") return new Response(null, { status: 501 });
      return new Response(ReadableStream.from([bytes("some"), bytes("thing")]));
    }
    return new Response(null, { headers: { ...headers, "content-length": "7" } });
  });
  const storage = new HttpStorage({ endpoint: server.url });
  assert.deepEqual(await storage.stat(parsePath("f"), calm), {
    kind: "file",
    size: 7,
    contentType: "image/x",
    contentDisposition: "inline",
    contentMd5: "bWQ1",
    etag: '"e"',
  });
  assert.match(await failsWith("io", storage.stat(parsePath("endless"), calm)), /does not say how long it is/);
  await using bench = new Bench(storage);
  assert.equal(await bench.read("endless", 4), "thing");
});

Deno.test("a body that breaks off, and one of another length, are no whole file", async () => {
  await using cut = serveBytes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234");
  await using storage = open(cut.url);
  assert.match(await failsWith("unavailable", storage.read("f")), /\/f broke off in the midst of its answer/);
  await using server = serve(({ method }) =>
    new Response(method === "HEAD" ? null : "01234", method === "HEAD" ? { headers: { "content-length": "10" } } : {})
  );
  await using short = open(server.url);
  assert.match(await failsWith("io", short.read("f")), /\/f has sent 5 of 10 bytes/);
});

Deno.test("a body whose end nobody can tell from a cut is not begun", async () => {
  await using server = serveBytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n01234");
  await using storage = open(server.url);
  assert.match(await failsWith("io", storage.read("f")), /\/f does not say how long it is$/);
});

Deno.test("what a server refuses is told by what it means, and never with the credentials", async () => {
  const cases: [number, "io" | "unavailable" | "not_found", RegExp][] = [
    [401, "io", /refuses the exporter \(401\)/],
    [403, "io", /refuses the exporter \(403\)/],
    [410, "not_found", /there is no file "f"/],
    [412, "io", /was changed while it was being read/],
    [418, "io", /answered 418/],
    [503, "unavailable", /answered 503/],
  ];
  for (const [status, code, message] of cases) {
    await using server = serve(({ method }) =>
      method === "HEAD" ? new Response(null, { headers: { "content-length": "1" } }) : new Response("no", { status })
    );
    await using storage = open(server.url, { username: "me", password: "s3cret" });
    const said = await failsWith(code, storage.read("f"));
    assert.match(said, message);
    assert.doesNotMatch(said, /s3cret/);
  }
});

Deno.test("a server that is not there, or is silent, is told", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await using storage = open(`http://127.0.0.1:${port}`);
  const said = await failsWith("unavailable", storage.read("f"));
  assert.match(said, new RegExp(`^cannot reach http://127\\.0\\.0\\.1:${port}/f: Connection refused$`));
  await using silent = serveBytes("HTTP/1.1 200 OK\r\n", "hold");
  await using other = open(silent.url);
  const given = new AbortController();
  const reading = other.storage.stat(parsePath("f"), given.signal);
  given.abort(new Error("enough"));
  await assert.rejects(Promise.resolve(reading), /enough/);
});

Deno.test("the server knows the exporter by what the config says", async () => {
  await using server = serve(() => new Response("x"));
  const seen = async (more: object) => {
    await using storage = open(server.url, more);
    await storage.read("f");
    return server.asked.at(-1)?.headers.get("authorization");
  };
  assert.equal(await seen({}), null);
  assert.equal(await seen({ username: "me", password: "pässword" }), `Basic ${bytes("me:pässword").toBase64()}`);
  assert.equal(await seen({ token: "t0ken" }), "Bearer t0ken");
});

Deno.test("through the driver: read by path and by handle, and nothing is written", async () => {
  await using server = serveFiles({ "/f": "0123456789" });
  const { port } = new URL(server.url);
  await using bench = await serveStorages({
    storage: { scheme: "http", kwargs: { endpoint: server.url } },
    known: { scheme: "http", kwargs: { endpoint: server.url, token: "t0ken" } },
  });
  const storage = client(bench);
  assert.equal(text(await storage.readBytes("f")), "0123456789");
  await using file = await storage.open("f", "rb");
  assert.equal(await file.seek(-3, "end"), 7);
  assert.equal(text(await file.readBytes()), "789");
  assert.equal(await storage.exists("nope"), false);
  assert.match(await storage.hash("f"), /^84d89877f0d4041efb6bf91a16f0248f/);
  const { read, write, list, rename, presign_read, presign_write } = await storage.capability();
  assert.deepEqual([read, write, list, rename, presign_read, presign_write], [true, false, false, false, true, false]);
  assert.match(await failsWith("unimplemented", storage.write("g", "x")), /the storage \(http\) takes no files/);
  for (const use of [storage.delete("f"), storage.removeAll("f"), storage.createDir("d"), storage.copy("f", "g")]) {
    await failsWith("unimplemented", use);
  }
  await failsWith("unimplemented", Array.fromAsync(storage.list("/")));
  const url = `http://127.0.0.1:${port}/d/x%20y`;
  assert.deepEqual(await storage.presignRead("d/x y", 60), { url, method: "GET", headers: {} });
  assert.deepEqual(await storage.presignStat("d/x y", 60), { url, method: "HEAD", headers: {} });
  await failsWith("unimplemented", storage.presignWrite("f", 60));
  assert.equal((await client(bench, "known").capability()).presign, false, "the exporter's own token stays with it");
  await failsWith("unimplemented", client(bench, "known").presignRead("f", 60));
});

Deno.test("a user in the endpoint's URL is known to the server, and to no client", async () => {
  await using server = serve(({ url }) => new Response("content", { status: url.endsWith("/f") ? 200 : 404 }));
  const endpoint = (user: string) => server.url.replace("//", `//${user}@`);
  const kwargs = {
    both: { endpoint: endpoint("us%40er:pa%3Ass%25") },
    alone: { endpoint: endpoint("user") },
    outdone: { endpoint: endpoint("user:hidden"), username: "other" },
    token: { endpoint: endpoint("user:hidden"), token: "t0ken" },
  };
  const storages = Object.entries(kwargs).map(([name, kwargs]) => [name, { scheme: "http", kwargs }]);
  await using bench = await serveStorages(Object.fromEntries(storages));
  const basic = (text: string) => `Basic ${bytes(text).toBase64()}`;
  const wanted = {
    both: basic("us@er:pa:ss%"),
    alone: basic("user:"),
    outdone: basic("other:"),
    token: "Bearer t0ken",
  };
  for (const [name, authorization] of Object.entries(wanted)) {
    assert.equal(text(await client(bench, name).readBytes("f")), "content");
    assert.equal(server.asked.at(-1)?.headers.get("authorization"), authorization, name);
    assert.equal((await client(bench, name).capability()).presign, false);
    assert.doesNotMatch(
      await failsWith("not_found", client(bench, name).readBytes("nope")),
      /us(?:@|%40)er|pa(?::|%3A)ss|hidden/,
    );
  }
});

Deno.test("an endpoint is a URL of a web server", async () => {
  const message = await failsWith("config", serveStorages({ s: { scheme: "https", kwargs: { endpoint: "ftp://x" } } }));
  assert.match(message, /"endpoint" is wrong: not an http:\/\/ or https:\/\/ URL/);
  const near = await failsWith("config", serveStorages({ s: { scheme: "http", kwargs: { endpont: "http://x" } } }));
  const malformed = { endpoint: "http://user:100%@host" };
  assert.match(
    await failsWith("config", serveStorages({ s: { scheme: "http", kwargs: malformed } })),
    /"endpoint" must have the % in its user name or password written as %25/,
  );
  assert.match(near, /unknown key "endpont" \(did you mean "endpoint"\?\)/);
});
