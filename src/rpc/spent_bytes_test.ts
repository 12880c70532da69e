import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { release, releasePassed } from "./spent_bytes.ts";

Deno.test("what is released is empty, unless it shares its memory with something else or is too small to matter", () => {
  const alone = new Uint8Array(10_000), small = new Uint8Array(8_191), whole = new Uint8Array(20_000);
  const part = whole.subarray(0, 10_000), pooled = Buffer.from("a string");
  for (const bytes of [alone, small, part, pooled, "text", undefined]) release(bytes);
  assert.deepEqual([alone, small, part, whole, pooled].map(({ length }) => length), [0, 8_191, 10_000, 20_000, 8]);
});

const large = 300_000;

/** Sends a request of `large` bytes with an answer as long; gives back what the sender wrote and what has arrived. */
async function exchange(isMended: boolean) {
  const written = { client: Buffer.alloc(large, "c"), server: Buffer.alloc(large, "s") };
  const server = createServer();
  const arrived = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  server.on("stream", (stream) => {
    stream.on("data", (chunk: Uint8Array) => arrived.server.push(chunk));
    stream.on("end", () => stream.end(written.server));
  });
  const listener = createTcpServer((socket) => {
    if (isMended) releasePassed(socket);
    server.emit("connection", socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket: Socket = connectTcp(address.port, "127.0.0.1");
  await once(socket, "connect");
  if (isMended) releasePassed(socket);
  const client = connect("http://127.0.0.1", { createConnection: () => socket });
  const call = client.request({ ":method": "POST" });
  call.on("data", (chunk: Uint8Array) => arrived.client.push(chunk));
  call.write(written.client);
  call.end();
  await once(call, "end");
  client.destroy();
  listener.close();
  await once(listener, "close");
  return { written, arrived };
}

Deno.test("both ends of a connection release what they have passed on, and all of it arrives", async () => {
  const { written, arrived } = await exchange(true);
  assert.deepEqual([written.client.length, written.server.length], [0, 0]);
  assert.equal(Buffer.concat(arrived.server).toString(), "c".repeat(large));
  assert.equal(Buffer.concat(arrived.client).toString(), "s".repeat(large));
});

Deno.test("the streams of other connections in the process keep what they write", async () => {
  await exchange(true); // from now on every new stream is looked at
  const { written } = await exchange(false);
  assert.deepEqual([written.client.length, written.server.length], [large, large]);
});
