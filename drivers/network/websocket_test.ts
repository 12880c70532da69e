import assert from "node:assert/strict";
import { type LocalExporter, serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { client, code, nextText, readAll, say, type } from "./bench_test.ts";
import { network } from "./mod.ts";
import { openWebsocket } from "./websocket_stream.ts";

/** A WebSocket server whose connections are `serve`'s. */
async function openServer(serve: (socket: WebSocket) => void) {
  const requests: { url: string; authorization: string | null }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push({ url: request.url, authorization: request.headers.get("authorization") });
    if (new URL(request.url).pathname !== "/console") return new Response("no", { status: 404 });
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 1 });
    socket.binaryType = "arraybuffer";
    serve(socket);
    return response;
  });
  await Promise.resolve();
  return { requests, port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

const bench = (url: string): Promise<LocalExporter> =>
  serveLocally({ net: { type: type("WebsocketNetwork"), config: { url } } }, [network]);

/** Sends back what comes, of its own kind. */
const echo = (socket: WebSocket) => socket.addEventListener("message", ({ data }) => socket.send(data));

Deno.test("text and binary messages come as bytes, and chunks go as binary messages", async () => {
  const kinds: string[] = [];
  await using server = await openServer((socket) => {
    socket.addEventListener("open", () => socket.send("gr\u00fc\u00df dich"));
    socket.addEventListener("message", ({ data }) => kinds.push(data instanceof ArrayBuffer ? "binary" : "text"));
    echo(socket);
  });
  await using exporter = await bench(`ws://127.0.0.1:${server.port}/console?baud=115200`);
  const stream = await client(exporter).connect();
  const reader = stream.readable.getReader();
  assert.equal(await nextText(reader), "gr\u00fc\u00df dich");
  for (const size of [1, 125, 126, 65_535, 65_536]) {
    const sent = crypto.getRandomValues(new Uint8Array(size));
    await say(stream, sent);
    let received = new Uint8Array(0);
    while (received.length < size) {
      const { value = new Uint8Array(0) } = await reader.read();
      received = Uint8Array.from([...received, ...value]);
    }
    assert.deepEqual(received, sent);
  }
  assert.deepEqual(kinds, Array(5).fill("binary"));
  assert.equal(new URL(server.requests[0]?.url ?? "").search, "?baud=115200");
  await reader.cancel();
});

Deno.test("the user name and the password of the URL go along, in any letters", async () => {
  await using server = await openServer(echo);
  await using exporter = await bench(`ws://caf%C3%A9:5%E2%82%AC@127.0.0.1:${server.port}/console`);
  const { readable } = await client(exporter).connect();
  const sent = new TextEncoder().encode("caf\u00e9:5\u20ac").toBase64();
  assert.equal(server.requests[0]?.authorization, `Basic ${sent}`);
  await readable.cancel();
});

Deno.test("what is no URL of a WebSocket server is refused in the config", async () => {
  await assert.rejects(bench("http://127.0.0.1/"), {
    code: "config",
    message: /"url" is wrong: not a ws:\/\/ or wss:/,
  });
  const malformed = /"url" must have the % in its user name or password written as %25/;
  await assert.rejects(bench("ws://user:50%off@127.0.0.1/"), { code: "config", message: malformed });
});

Deno.test("large messages come in parts, and the connection outlives the server's pings", async () => {
  const large = new Uint8Array(3_000_000).fill(7);
  await using server = await openServer((socket) => {
    // The server pings every half of its idle time-out of 1 s, and cuts whoever does not answer.
    setTimeout(() => {
      socket.send(large);
      socket.close(1000, "done");
    }, 2_000);
  });
  await using exporter = await bench(`ws://127.0.0.1:${server.port}/console`);
  const stream = await client(exporter).connect();
  assert.equal((await readAll(stream.readable)).length, large.length);
});

Deno.test("closing the writing side leaves the server talking; its end is the end", async () => {
  await using server = await openServer((socket) => {
    socket.addEventListener("message", () => {
      setTimeout(() => { // after the end of the writing side, of which a server is told nothing
        socket.send("the answer");
        socket.close();
      }, 200);
    });
  });
  await using exporter = await bench(`ws://127.0.0.1:${server.port}/console`);
  const stream = await client(exporter).connect();
  await say(stream, "the question");
  await stream.writable.close();
  assert.equal(await readAll(stream.readable), "the answer");
});

Deno.test("a client that goes says goodbye to the server", async () => {
  const closed = Promise.withResolvers<CloseEvent>();
  await using server = await openServer((socket) => {
    echo(socket);
    socket.addEventListener("close", closed.resolve);
  });
  await using exporter = await bench(`ws://127.0.0.1:${server.port}/console`);
  const stream = await client(exporter).connect();
  await say(stream, "x");
  const reader = stream.readable.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal((await closed.promise).code, 1000);
});

Deno.test("a server that says nothing is waited for so long, with TLS and without", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const scheme of ["ws", "wss"]) {
    const address = `${scheme}://127.0.0.1:${listener.addr.port}/`;
    const opening = openWebsocket(address, new AbortController().signal, 100);
    using _silent = await listener.accept();
    await assert.rejects(opening, code("timeout"));
  }
});

Deno.test("a server that is not there, or speaks something else, or closes in anger, is unavailable", async () => {
  await using server = await openServer((socket) =>
    socket.addEventListener("open", () => socket.close(1011, "out of paper"))
  );
  const failsBy = async (url: string, message: RegExp) => {
    await using exporter = await bench(url);
    await assert.rejects(
      client(exporter).connect().then(({ readable }) => readAll(readable)),
      (error: Error) => code("unavailable")(error) && message.test(error.message),
    );
  };
  await failsBy("ws://127.0.0.1:1/", /^cannot connect to 127\.0\.0\.1:1: connection refused$/);
  await failsBy(`ws://127.0.0.1:${server.port}/else`, /does not take WebSocket connections: "HTTP\/1\.1 404/);
  await failsBy(`ws://127.0.0.1:${server.port}/console`, /with code 1011: out of paper$/);
});
