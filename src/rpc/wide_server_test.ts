import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer } from "node:net";
import { frame } from "../../tests/goaway/frames.ts";
import { getStatus, openBench, within } from "./bench_test.ts";
import { FRAME, GREETING } from "./http2_frames.ts";
import { passphraseKey } from "./passphrase.ts";
import { WideServer } from "./wide_server.ts";
import { ADMITTED_WINDOW_BYTES, WINDOW_BYTES } from "./window.ts";

Deno.test("a peer is let 1 MiB ahead on streams and connection, in frames of 64 KiB", async () => {
  const server = new WideServer({ "grpc.max_concurrent_streams": 7 });
  const injector = server.createInjector();
  const listener = createServer((socket) => injector.injectConnection(socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket = connect(address.port, "127.0.0.1");
  // What the server says first: its settings, and how far the connection's window opens.
  const windowUpdates: number[] = [];
  socket.on("data", (chunk: Uint8Array) => windowUpdates.push(...connectionWindowUpdates(chunk)));
  const client = connectHttp2("http://127.0.0.1", { createConnection: () => socket });
  await once(client, "remoteSettings");
  assert.equal(client.remoteSettings.initialWindowSize, WINDOW_BYTES);
  assert.equal(client.remoteSettings.maxFrameSize, 65 * 1024);
  assert.equal(client.remoteSettings.maxConcurrentStreams, 7, "what was asked of the server still holds");
  const upload = client.request({ ":method": "POST", ":path": "/none", "content-type": "application/grpc" });
  upload.resume();
  await once(upload, "end");
  assert.equal(65_535 + windowUpdates.reduce((sum, bytes) => sum + bytes, 0), WINDOW_BYTES);
  client.close();
  injector.destroy();
  server.forceShutdown();
  listener.close();
  await once(listener, "close");
});

/** By how much each WINDOW_UPDATE for the connection in `bytes`, which start with a frame, opens its window. */
function* connectionWindowUpdates(bytes: Uint8Array): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 9 <= bytes.length; at += 9 + (view.getUint32(at) >>> 8)) {
    if (view.getUint8(at + 3) === 8 && view.getUint32(at + 5) === 0) yield view.getUint32(at + 9);
  }
}

Deno.test("a client may send 8 MiB ahead once a call of it was let in, and not for one that is refused", async () => {
  await using bench = await openBench({ exporter: { getStatus: () => ({ status: 4 }) } }, { passphrase: "secret" });
  const { address } = bench.server;
  if (address.kind !== "tcp") throw new Error("not TCP");
  const socket = connect(address.port, "127.0.0.1");
  const windowUpdates: number[] = [];
  socket.on("data", (chunk: Uint8Array) => windowUpdates.push(...connectionWindowUpdates(chunk)));
  const client = connectHttp2("http://127.0.0.1", { createConnection: () => socket });
  await once(client, "remoteSettings");
  const ask = async (passphrase: string) => {
    const path = `/${getStatus.parent.typeName}/${getStatus.name}`;
    const headers = {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      [passphraseKey]: passphrase,
    };
    const stream = client.request(headers).resume();
    stream.end(new Uint8Array(5)); // an empty message
    await once(stream, "end");
  };
  const opened = () => 65_535 + windowUpdates.reduce((sum, bytes) => sum + bytes, 0);
  await ask("wrong");
  assert.equal(client.remoteSettings.initialWindowSize, WINDOW_BYTES);
  assert.equal(opened(), WINDOW_BYTES);
  const widened = once(client, "remoteSettings");
  await ask("secret");
  await within(widened, "new settings");
  assert.equal(client.remoteSettings.initialWindowSize, ADMITTED_WINDOW_BYTES);
  assert.equal(client.remoteSettings.maxFrameSize, 65 * 1024, "what else was said holds");
  assert.equal(opened(), ADMITTED_WINDOW_BYTES);
  client.destroy();
});

Deno.test("a call that is none and is given up at once ends nothing but itself", async () => {
  await using bench = await openBench({ exporter: { getStatus: () => ({ status: 4 }) } });
  const { address } = bench.server;
  if (address.kind !== "tcp") throw new Error("not TCP");
  const headers = { ":method": "POST", ":path": "/nobody/knows%", "content-type": "application/grpc" };
  const socket = connect(address.port, "127.0.0.1").on("error", () => {});
  const frames: Uint8Array[] = [GREETING];
  for (let stream = 1; stream < 100; stream += 2) {
    const type = stream % 4 === 1 ? headers["content-type"] : "text/plain";
    // Each name and value is written out, with its length before it.
    const block = Object.entries({ ":scheme": "http", ...headers, "content-type": type }).flatMap((
      [name, value],
    ) => [Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
    frames.push(frame(FRAME.headers, 4, stream, Buffer.concat(block)), frame(FRAME.reset, 0, stream, Buffer.alloc(4)));
  }
  socket.write(Buffer.concat(frames));
  const client = connectHttp2(`http://127.0.0.1:${address.port}`).on("error", () => {});
  const refused = client.request(headers);
  const [answer] = await once(refused, "response");
  assert.equal(decodeURIComponent(answer["grpc-message"]), "The server does not implement the method /nobody/knows%");
  client.destroy();
  socket.destroy();
  assert.equal((await bench.channel.unary(getStatus, {})).status, 4);
});

Deno.test("a stream that is gone before its call is refused is left alone", () => {
  const stream = {
    destroyed: true,
    respond: () => assert.fail("The stream has been destroyed"),
  };
  const server = new WideServer() as unknown as Record<string, (...args: unknown[]) => unknown>;
  server._respondWithError?.({ code: 12, details: "" }, stream);
  assert.equal(server._verifyContentType?.(stream, { "content-type": "text/plain" }), false);
});
