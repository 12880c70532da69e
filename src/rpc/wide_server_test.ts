import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer } from "node:net";
import { WideServer } from "./wide_server.ts";

const WINDOW_BYTES = 1024 * 1024;

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
  assert.equal(client.remoteSettings.maxFrameSize, 64 * 1024);
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
