/** The guard is a socket like any other: back pressure, half-close, errors, properties. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { guardGoaway } from "../../src/rpc/goaway_guard.ts";
import { collect, frame, goaway, guardedPair, headers, PREFACE, SETTINGS, waitUntil } from "./frames.ts";

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
  await settled();
  return stream.writableLength === 0;
}

/** Lets everything between two ends in memory come to rest: it waits for nothing but turns of the loop. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await nextTurn();
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
  guard.write("ans");
  await waitUntil(() => answer.length > 0);
  guard.end("wer");
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
  await settled();
  peer.destroy();
  await settled();
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

Deno.test("after GOAWAY, the peer's half-close is enough even where sockets may be half-open", async () => {
  await using pair = await overTcp(true);
  const { guard, peer } = pair;
  guard.resume();
  peer.resume();
  peer.end(Buffer.concat([PREFACE, SETTINGS, headers(1), goaway(0)]));
  await Promise.all([once(guard, "close"), once(peer, "end")]);
});
