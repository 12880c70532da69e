import assert from "node:assert/strict";
import { openRemoteSink, openRemoteSource, parseFileUrl } from "./remote_file.ts";
import { join } from "node:path";
import { repository } from "../tests/fixtures/place.ts";
import { serveBytes, serveFiles } from "../tests/fixtures/file_server.ts";

const signal = new AbortController().signal;
const get = (url: string, options: { signal?: AbortSignal; stallTimeoutMs?: number } = {}) =>
  openRemoteSource({ url: new URL(url), method: "GET", headers: {} }, { signal, ...options });
const put = (url: string, options: { signal?: AbortSignal; stallTimeoutMs?: number } = {}) =>
  openRemoteSink({ url: new URL(url), method: "PUT", headers: { "x-marker": "7" } }, { signal, ...options });
const streamOf = (...parts: string[]) => ReadableStream.from(parts).pipeThrough(new TextEncoderStream());

Deno.test("only the URLs of web servers are files", () => {
  for (const text of ["http://h/a", "https://h/a?b=c", "HTTPS://h/a"]) assert.ok(parseFileUrl(text) instanceof URL);
  for (const text of ["ftp://h/a", "file:///etc/passwd", "/http://x", "http://", "", 7, null, undefined]) {
    assert.equal(parseFileUrl(text), undefined);
  }
});

Deno.test("a file is fetched, redirected or not, with its length", async () => {
  await using server = serveFiles({ "/a.img": "0123456789" });
  for (const path of ["/a.img?X-Signature=secret", "/redirect/a.img"]) {
    const { bytes, totalBytes } = await get(server.url + path);
    assert.equal(totalBytes, 10);
    assert.equal(await new Response(bytes).text(), "0123456789");
  }
});

Deno.test("a file is put, and the server's answer is waited for", async () => {
  await using server = serveFiles({});
  await streamOf("01234", "56789").pipeTo(put(`${server.url}/b.img`));
  assert.equal(server.files.get("/b.img"), "0123456789");
  assert.equal(server.requests.at(-1)?.headers.get("x-marker"), "7");
});

Deno.test("what a server refuses is told, without the secrets of its URL", async () => {
  await using server = serveFiles({});
  const told = { code: "unavailable", message: `${server.url}/none answered 404 Not Found` };
  await assert.rejects(get(`${server.url}/none?X-Signature=secret`), told);
  const refused = { code: "unavailable", message: `${server.url}/refuse answered 403 Forbidden` };
  await assert.rejects(streamOf("x").pipeTo(put(`${server.url}/refuse?X-Signature=secret`)), refused);
  // More than the connection takes up, and nobody reads it.
  const big = ReadableStream.from(Array.from({ length: 400 }, () => new Uint8Array(65_536)));
  await assert.rejects(big.pipeTo(put(`${server.url}/refuse?X-Signature=secret`)), { code: "unavailable" });
});

Deno.test("what a server has not taken is not put, whatever it answers", async () => {
  await using server = serveFiles({ "/a.img": "old" });
  await assert.rejects(streamOf("new").pipeTo(put(`${server.url}/redirect/a.img`)), {
    code: "unavailable",
    message: `${server.url}/redirect/a.img answered 303 See Other`,
  });
  // More than the connection takes up, and nobody reads it.
  const big = ReadableStream.from(Array.from({ length: 400 }, () => new Uint8Array(65_536)));
  await using hasty = serveBytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  await assert.rejects(big.pipeTo(put(`${hasty.url}/a?X-Signature=secret`)), {
    code: "io",
    message: `${hasty.url}/a answered before it had the whole file`,
  });
});

Deno.test("where nobody listens is told", async () => {
  await using server = serveFiles({});
  await server[Symbol.asyncDispose]();
  const told = { code: "unavailable", message: `cannot reach ${server.url}/a: Connection refused` };
  await assert.rejects(get(`${server.url}/a?X-Signature=secret`), told);
  await assert.rejects(streamOf("x").pipeTo(put(`${server.url}/a?X-Signature=secret`)), told);
});

Deno.test("a body that breaks off is an error, however its end would have been told", async () => {
  const head = "HTTP/1.1 200 OK\r\n";
  for (const body of ["Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]) {
    await using server = serveBytes(head + body);
    const { bytes } = await get(`${server.url}/a?X-Signature=secret`);
    await assert.rejects(new Response(bytes).text(), {
      code: "io",
      message: `the transfer from ${server.url}/a broke off before its end`,
    });
  }
});

Deno.test("a body whose end nobody can tell from a cut is not begun", async () => {
  for (const head of ["HTTP/1.0 200 OK\r\n\r\nabc", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"]) {
    await using server = serveBytes(head);
    await assert.rejects(get(`${server.url}/a`), {
      code: "unavailable",
      message: /does not say how long the file is$/,
    });
  }
});

Deno.test("a server that falls silent is given up", async () => {
  const told = { code: "timeout", message: /\/a has been silent for 0\.05 s$/ };
  await using mute = serveBytes("", "hold");
  await assert.rejects(get(`${mute.url}/a`, { stallTimeoutMs: 50 }), told);
  await assert.rejects(streamOf("x").pipeTo(put(`${mute.url}/a`, { stallTimeoutMs: 50 })), told);
  await using stuck = serveBytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "hold");
  const { bytes } = await get(`${stuck.url}/a`, { stallTimeoutMs: 50 });
  await assert.rejects(new Response(bytes).text(), told);
});

Deno.test("who gives up is heard at once", async () => {
  await using stuck = serveBytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "hold");
  const abort = new AbortController();
  const { bytes } = await get(`${stuck.url}/a`, { signal: abort.signal });
  const read = new Response(bytes).text();
  abort.abort(new Error("enough"));
  await assert.rejects(read, { message: "enough" });
});

Deno.test("who falls silent is given up, and who gives up is heard, also after a garbage collection", async () => {
  const script = join(repository, "tests", "fixtures", "fetch_and_collect.ts");
  for (const [how, said] of [["timeout", "timeout closed\n"], ["abort", "cancelled closed\n"]] as const) {
    const args = ["run", "-A", "--v8-flags=--expose-gc", script, how];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, signal: AbortSignal.timeout(20_000) }).output();
    assert.equal(new TextDecoder().decode(stdout), said);
  }
});

Deno.test("a part that nobody asked for is no file", async () => {
  await using server = serveBytes(
    "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\nContent-Range: bytes 0-2/9\r\n\r\nabc",
  );
  await assert.rejects(get(`${server.url}/a`), {
    code: "unavailable",
    message: `${server.url}/a answered 206 Partial Content`,
  });
});
