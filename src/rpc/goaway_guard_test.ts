import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { setImmediate, setTimeout as delay } from "node:timers/promises";
import { goawayIsFatal, guardGoaway } from "./goaway_guard.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const GOAWAY = 7;
const SETTINGS = frame(4, 0, 0);

function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

function goaway(lastStreamId: number, code = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  return frame(GOAWAY, 0, 0, payload);
}

/** A request that is all in one frame; with `flags` 4 more is to follow. */
function headers(streamId: number, flags = 5): Buffer {
  return frame(1, flags, streamId, Buffer.from([0x82]));
}

/** A guarded end, and the peer that it is connected to. */
function guardedPair(role: "server" | "client", highWaterMark?: number): { guard: Duplex; peer: Duplex } {
  const [socket, peer] = duplexPair(highWaterMark === undefined ? {} : { highWaterMark });
  return { guard: guardGoaway(socket, role), peer };
}

/** What arrives, as it arrives. */
function collect(stream: Duplex): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

async function waitUntil(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error("waited 5 s in vain");
    await delay(5);
  }
}

/** What comes out of the guard when `bytes` go in, cut at `cuts`, and the peer ends. */
async function through(role: "server" | "client", bytes: Buffer, cuts: readonly number[]): Promise<Buffer> {
  const { guard, peer } = guardedPair(role);
  const chunks = collect(guard);
  let from = 0;
  for (const cut of [...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (cut > from) peer.write(bytes.subarray(from, cut));
    from = cut;
  }
  peer.end();
  peer.resume();
  await once(guard, "end");
  guard.destroy();
  peer.destroy();
  return Buffer.concat(chunks);
}

const anyFrame = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(goaway(0), goaway(2 ** 31 - 1), goaway(7, 2), frame(GOAWAY, 0, 0)) },
  {
    weight: 7,
    arbitrary: fc.tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 9 }),
      fc.uint8Array({ maxLength: 40 }),
    ).map((parts) => frame(...parts)),
  },
);
const someFrames = fc.array(anyFrame, { maxLength: 12 });
const someCuts = fc.array(fc.nat(600), { maxLength: 30 });

for (const role of ["server", "client"] as const) {
  const start = role === "server" ? [PREFACE, SETTINGS] : [SETTINGS];

  Deno.test(`${role}: however they are cut, all frames but GOAWAY pass byte for byte`, async () => {
    await fc.assert(
      fc.asyncProperty(someFrames, someCuts, async (frames, cuts) => {
        const passing = frames.filter((bytes) => bytes[3] !== GOAWAY);
        const out = await through(role, Buffer.concat([...start, ...frames]), cuts);
        assert.deepEqual(out, Buffer.concat([...start, ...passing]));
      }),
      { numRuns: 300 },
    );
  });

  Deno.test(`${role}: a frame that the end cuts off passes as far as it came, unless it is GOAWAY`, async () => {
    const whole = Buffer.concat([...start, frame(0, 0, 1, Buffer.alloc(20, 1))]);
    for (const length of [whole.length - 25, whole.length - 5]) {
      assert.deepEqual(await through(role, whole.subarray(0, length), []), whole.subarray(0, length));
    }
    const cutGoaway = Buffer.concat([...start, goaway(0).subarray(0, 12)]);
    assert.deepEqual(await through(role, cutGoaway, []), Buffer.concat(start));
  });

  Deno.test(`${role}: bytes that are not HTTP/2 pass untouched, whatever they hold`, async () => {
    const http1 = Buffer.concat([Buffer.from("GET / HTTP/1.1\r\n\r\n"), goaway(0), goaway(0)]);
    assert.deepEqual(await through(role, http1, [3, 9, 17]), http1);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), someCuts, async (bytes, cuts) => {
        fc.pre(bytes[0] !== PREFACE[0] && bytes[3] !== 4);
        assert.deepEqual(await through(role, Buffer.from(bytes), cuts), Buffer.from(bytes));
      }),
    );
  });
}

Deno.test("a preface that goes wrong half-way passes untouched", async () => {
  const bytes = Buffer.concat([PREFACE.subarray(0, 14), Buffer.from("nonsense"), goaway(0)]);
  assert.deepEqual(await through("server", bytes, [5, 14, 15]), bytes);
});

Deno.test("without SETTINGS at the start it is not HTTP/2, even if it looks like GOAWAY", async () => {
  const bytes = Buffer.concat([goaway(0), goaway(0)]);
  assert.deepEqual(await through("client", bytes, [4, 20]), bytes);
  assert.deepEqual(await through("server", Buffer.concat([PREFACE, bytes]), [30]), Buffer.concat([PREFACE, bytes]));
});

Deno.test("what passes is a view of what came in, and a big frame is not gathered", async () => {
  const { guard, peer } = guardedPair("client");
  const chunks = collect(guard);
  peer.write(SETTINGS);
  const big = frame(0, 0, 1, Buffer.alloc(1_000_000, 7));
  const part = big.subarray(0, 50_000);
  peer.write(part);
  await waitUntil(() => chunks.length > 1);
  assert.equal(Buffer.concat(chunks.slice(1)).length, 50_000, "the frame's start came out before its end went in");
  assert.equal(chunks[1]?.buffer, part.buffer);
  guard.destroy();
});

Deno.test("what is written arrives as it is, GOAWAY too", async () => {
  const { guard, peer } = guardedPair("client");
  const chunks = collect(peer);
  const bytes = Buffer.concat([PREFACE, SETTINGS, goaway(0), headers(1)]);
  guard.write(bytes.subarray(0, 40));
  guard.end(bytes.subarray(40));
  await once(peer, "end");
  assert.deepEqual(Buffer.concat(chunks), bytes);
  guard.destroy();
});

Deno.test("a slow reader stops the peer, with a bounded amount in between", async () => {
  const { guard, peer } = guardedPair("client", 16_384);
  peer.write(SETTINGS);
  // It starts to read, and takes nothing.
  guard.read(0);
  const block = frame(0, 0, 1, Buffer.alloc(8_192));
  let sent = 0;
  while (sent < 100 && await writesAtOnce(peer, block)) sent++;
  assert.ok(sent < 20, `${sent} blocks of 8 KiB were taken with nobody reading`);
  const chunks = collect(guard);
  await once(peer, "drain");
  await waitUntil(() => Buffer.concat(chunks).length === SETTINGS.length + (sent + 1) * block.length);
  guard.destroy();
});

Deno.test("a peer that does not read stops the writer, with a bounded amount in between", async () => {
  const { guard, peer } = guardedPair("server", 16_384);
  const block = frame(0, 0, 1, Buffer.alloc(8_192));
  let sent = 0;
  while (sent < 100 && await writesAtOnce(guard, block)) sent++;
  assert.ok(sent < 20, `${sent} blocks of 8 KiB were taken with nobody reading`);
  const chunks = collect(peer);
  await once(guard, "drain");
  await waitUntil(() => Buffer.concat(chunks).length === (sent + 1) * block.length);
  guard.destroy();
});

/** Writes; says whether the stream wants more, once all that could move on has. */
async function writesAtOnce(stream: Duplex, bytes: Buffer): Promise<boolean> {
  if (stream.write(bytes)) return true;
  await delay(10);
  return stream.writableLength === 0;
}

/** A TCP connection with the guard on the accepting side. */
async function overTcp(
  allowHalfOpen: boolean,
): Promise<{ guard: Duplex; socket: Socket; peer: Socket; server: Server } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const peer = connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true });
  const [socket] = await once(server, "connection") as [Socket];
  const guard = guardGoaway(socket, "server");
  const dispose = async () => {
    guard.destroy();
    peer.destroy();
    server.close();
    await once(server, "close");
  };
  return { guard, socket, peer, server, [Symbol.asyncDispose]: dispose };
}

Deno.test("half-closed by the peer, the other way stays open", async () => {
  await using pair = await overTcp(true);
  const { guard, peer } = pair;
  const answer = collect(peer);
  guard.resume();
  peer.end(PREFACE);
  await once(guard, "end");
  await delay(20);
  guard.end("answer");
  await once(peer, "end");
  assert.equal(Buffer.concat(answer).toString(), "answer");
});

Deno.test("half-closed by us, the other way stays open", async () => {
  await using pair = await overTcp(true);
  const { guard, peer } = pair;
  const question = collect(guard);
  peer.resume();
  guard.end();
  await once(peer, "end");
  peer.end(PREFACE);
  await once(guard, "end");
  assert.deepEqual(Buffer.concat(question), PREFACE);
});

Deno.test("without half-open sockets, the peer's end ends the guard and its socket", async () => {
  await using pair = await overTcp(false);
  const { guard, socket, peer } = pair;
  guard.resume();
  peer.end(PREFACE);
  peer.resume();
  await Promise.all([once(guard, "close"), once(peer, "close")]);
  assert.ok(socket.destroyed);
});

Deno.test("an error of the socket is the guard's, and the other way round", async () => {
  {
    await using pair = await overTcp(false);
    const failed = once(pair.guard, "error");
    pair.socket.destroy(new Error("cable pulled"));
    assert.match(String((await failed)[0]), /cable pulled/);
    assert.ok(pair.guard.destroyed);
  }
  await using pair = await overTcp(false);
  const failed = [once(pair.guard, "error"), once(pair.socket, "error")];
  pair.guard.destroy(new Error("protocol error"));
  for (const [error] of await Promise.all(failed)) assert.match(String(error), /protocol error/);
});

Deno.test("a socket that is destroyed takes the guard with it, and a waiting write does not wait on", async () => {
  await using pair = await overTcp(false);
  const { guard, socket } = pair;
  guard.on("error", () => {});
  const closed = once(guard, "close");
  const written = new Promise((resolve) => guard.write(Buffer.alloc(64 << 20), resolve));
  guard.write(Buffer.alloc(10));
  socket.destroy();
  await closed;
  await written;
  assert.ok(guard.destroyed);
});

Deno.test("what arrived before the peer closed can still be read at leisure", async () => {
  const { guard, peer } = guardedPair("client", 1 << 20);
  peer.end(Buffer.concat([SETTINGS, frame(0, 0, 1, Buffer.alloc(1_000))]));
  guard.read(0);
  await delay(20);
  peer.destroy();
  await delay(20);
  assert.equal(Buffer.concat(await Array.fromAsync(guard)).length, 9 + 1_009);
});

Deno.test("the socket's own properties show through", async () => {
  await using pair = await overTcp(false);
  const { socket } = pair;
  const guard = pair.guard as Socket;
  assert.equal(guard.remoteAddress, "127.0.0.1");
  assert.equal(guard.remotePort, socket.remotePort);
  assert.equal(guard.localPort, socket.localPort);
  assert.deepEqual(guard.address(), socket.address());
  assert.equal(guard.setNoDelay(true), guard);
  assert.equal(guard.unref(), guard);
  guard.ref();
  const timedOut = once(guard, "timeout");
  guard.setTimeout(10);
  await timedOut;
  const { guard: bare } = guardedPair("client");
  assert.equal("remoteAddress" in bare, false);
  bare.destroy();
});

Deno.test("after GOAWAY and the last stream, the connection ends though the peer does not close it", async () => {
  const { guard, peer } = guardedPair("server");
  guard.resume();
  peer.resume();
  peer.write(Buffer.concat([PREFACE, SETTINGS, headers(1), goaway(0)]));
  const heard = await once(guard, "goaway");
  assert.deepEqual(heard, [0, 0]);
  await delay(400);
  assert.equal(guard.readableEnded, false, "a stream is still open");
  guard.write(Buffer.concat([SETTINGS, headers(1, 4), frame(0, 1, 1)]));
  const answered = Date.now();
  await Promise.all([once(guard, "close"), once(peer, "end")]);
  assert.ok(Date.now() - answered < 3_000);
});

Deno.test("a first GOAWAY that still allows streams ends none that is opened after it", async () => {
  const { guard, peer } = guardedPair("client");
  guard.resume();
  peer.resume();
  guard.write(Buffer.concat([PREFACE, SETTINGS]));
  peer.write(Buffer.concat([SETTINGS, goaway(2 ** 31 - 1)]));
  await once(guard, "goaway");
  guard.write(headers(1));
  await delay(400);
  assert.equal(guard.readableEnded, false);
  peer.write(headers(1));
  await Promise.all([once(guard, "close"), once(peer, "end")]);
});

Deno.test("after GOAWAY with an error code, the connection ends whatever is open", async () => {
  const { guard, peer } = guardedPair("client");
  guard.resume();
  peer.resume();
  guard.write(Buffer.concat([PREFACE, SETTINGS, headers(1)]));
  peer.write(Buffer.concat([SETTINGS, goaway(1, 11)]));
  await Promise.all([once(guard, "close"), once(peer, "end")]);
});

Deno.test("after GOAWAY, the peer's half-close is enough even where sockets may be half-open", async () => {
  await using pair = await overTcp(true);
  const { guard, peer } = pair;
  guard.resume();
  peer.resume();
  peer.end(Buffer.concat([PREFACE, SETTINGS, headers(1), goaway(0)]));
  await Promise.all([once(guard, "close"), once(peer, "end")]);
});

Deno.test("a stream that the peer has said it will not process is refused", async () => {
  const { guard, peer } = guardedPair("client");
  const chunks = collect(guard);
  peer.resume();
  guard.write(Buffer.concat([PREFACE, SETTINGS, headers(1), headers(3)]));
  // The refusal has to wait until the frame that is on its way is over.
  const data = frame(0, 0, 1, Buffer.alloc(100));
  peer.write(Buffer.concat([SETTINGS, goaway(1), data.subarray(0, 50)]));
  await waitUntil(() => chunks.length > 0);
  guard.write(headers(5));
  await setImmediate();
  peer.write(data.subarray(50));
  const refused = [3, 5].map((id) => frame(3, 0, id, Buffer.from([0, 0, 0, 7])));
  const expected = Buffer.concat([SETTINGS, data, ...refused]);
  await waitUntil(() => Buffer.concat(chunks).length >= expected.length);
  assert.deepEqual(Buffer.concat(chunks), expected);
  guard.destroy();
});

Deno.test("to the HTTP/2 layer a refused stream is a refused stream", async () => {
  const server = createHttp2Server((_request, response) => response.end("done")).listen(0, "127.0.0.1");
  server.on("session", (session) => session.on("stream", () => session.goaway(0, 1)));
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket = connect(address.port, "127.0.0.1");
  await once(socket, "connect");
  const guard = guardGoaway(socket, "client");
  const heard = once(guard, "goaway");
  const client = connectHttp2(`http://127.0.0.1:${address.port}`, { createConnection: () => guard });
  const first = client.request({ ":path": "/" });
  first.resume();
  await once(first, "end");
  await heard;
  const second = client.request({ ":path": "/" });
  await assert.rejects(once(second, "response"), /REFUSED_STREAM/);
  assert.equal(second.rstCode, constants.NGHTTP2_REFUSED_STREAM);
  await once(client, "close");
  server.close();
  await once(server, "close");
});

Deno.test("which releases are guarded", () => {
  for (const version of ["2.9.4", "2.9.8", "2.10.0", "2.10.0-rc.1", "3.0.0", "2.9.4+1a2b3c4"]) {
    assert.equal(goawayIsFatal(version), true, version);
  }
  for (const version of ["2.9.3", "2.9.3+9999999", "2.8.12", "1.99.99"]) {
    assert.equal(goawayIsFatal(version), false, version);
  }
});
