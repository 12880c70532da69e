import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { guardGoaway } from "./goaway_guard.ts";
import { joinWrites } from "./joined_writes.ts";
import { release, releasePassed } from "./spent_bytes.ts";

Deno.test("what is released is empty, unless it shares its memory with something else or is too small to matter", () => {
  const alone = new Uint8Array(10_000), small = new Uint8Array(8_191), whole = new Uint8Array(20_000);
  const part = whole.subarray(0, 10_000), pooled = Buffer.from("a string");
  for (const bytes of [alone, small, part, pooled, "text", undefined]) release(bytes);
  assert.deepEqual([alone, small, part, whole, pooled].map(({ length }) => length), [0, 8_191, 10_000, 20_000, 8]);
});

const large = 300_000;

/** Makes of a socket what HTTP/2 is given. */
type Mend = (socket: Socket, role: "client" | "server") => Duplex;

const released: Mend = (socket) => {
  releasePassed(socket, socket);
  return socket;
};

/** Sends a request of `large` bytes with an answer as long; gives back what the sender wrote and what has arrived. */
async function exchange(mend: Mend) {
  const written = { client: Buffer.alloc(large, "c"), server: Buffer.alloc(large, "s") };
  const server = createServer();
  const arrived = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  server.on("stream", (stream) => {
    stream.on("data", (chunk: Uint8Array) => arrived.server.push(chunk));
    stream.on("end", () => stream.end(written.server));
  });
  const listener = createTcpServer((socket) => {
    server.emit("connection", mend(socket, "server"));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket: Socket = connectTcp(address.port, "127.0.0.1");
  await once(socket, "connect");
  const mended = mend(socket, "client");
  const client = connect("http://127.0.0.1", { createConnection: () => mended });
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

const ways: Record<string, Mend> = {
  "by itself": released,
  "behind the guard, whose writes end before the socket's": (socket, role) => {
    joinWrites(socket);
    const guarded = guardGoaway(socket, role);
    releasePassed(socket, guarded);
    return guarded;
  },
};
for (const [how, mend] of Object.entries(ways)) {
  Deno.test(`both ends of a connection release what they have passed on, and all of it arrives: ${how}`, async () => {
    const { written, arrived } = await exchange(mend);
    assert.deepEqual([written.client.length, written.server.length], [0, 0]);
    assert.equal(Buffer.concat(arrived.server).toString(), "c".repeat(large));
    assert.equal(Buffer.concat(arrived.client).toString(), "s".repeat(large));
  });
}

Deno.test("the streams of other connections in the process keep what they write", async () => {
  await exchange(released); // from now on every new stream is looked at
  const { written } = await exchange((socket) => socket);
  assert.deepEqual([written.client.length, written.server.length], [large, large]);
});
