import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { until } from "../../tests/fixtures/until.ts";
import { Logger, type LogRecord } from "../log.ts";
import { type Bench, driverCall, getStatus, openBench, rejectsWith, within } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import { FloodLog, type ToldRefusal } from "./flood_log.ts";

const ready = { exporter: { getStatus: () => ({ status: 4 }) } };

/** Opens a connection that says nothing. */
async function openSilent({ server: { address } }: Bench): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  if (address.kind !== "tcp") throw new Error("not TCP");
  const socket = connect(address.port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  socket.resume();
  return { socket, closed: within(once(socket, "close"), "a silent connection to be closed") };
}

const messages = ({ records }: Bench) => records.map(({ message }) => message);

Deno.test("the oldest connection that has shown nothing makes room, with TLS and without", async () => {
  for (const certificate of [undefined, await makeSelfSigned()]) {
    const tls = certificate && { ca: certificate.cert };
    await using bench = await openBench(ready, { certificate, limits: { maxConnections: 3 } }, { tls });
    await bench.channel.unary(getStatus, {});
    const first = await openSilent(bench), second = await openSilent(bench), third = await openSilent(bench);
    await first.closed;
    using another = new Channel({ address: bench.server.address, tls });
    assert.equal((await within(another.unary(getStatus, {}), "one more client")).status, 4);
    await second.closed;
    await bench.channel.unary(getStatus, {});
    third.socket.destroy();
    const told = messages(bench).filter((message) => /^Connection from .* ended: there are more than 3$/.test(message));
    assert.equal(told.length, 2, messages(bench).join("\n"));
  }
});

Deno.test("when all have shown who they are, one more is refused and the others go on", async () => {
  await using bench = await openBench(ready, { limits: { maxConnections: 1 } });
  await bench.channel.unary(getStatus, {});
  const late = await openSilent(bench);
  await late.closed;
  assert.ok(messages(bench).some((message) => /^Connection from .* refused: there are 1 already$/.test(message)));
  await bench.channel.unary(getStatus, {});
});

Deno.test("with a passphrase, only who has presented it keeps a place", async () => {
  const limits = { maxConnections: 2, loginPauseMs: 0 };
  await using bench = await openBench(ready, { passphrase: "secret", limits });
  await bench.channel.unary(getStatus, {});
  const { address } = bench.server;
  for (let round = 0; round < 4; round++) {
    using stranger = new Channel({ address, passphrase: "guess" });
    await rejectsWith(within(stranger.unary(getStatus, {}), "a stranger"), "unauthenticated");
    const silent = await openSilent(bench);
    await until("room", () => messages(bench).filter((message) => /more than 2/.test(message)).length > round);
    silent.socket.destroy();
    await bench.channel.unary(getStatus, {});
  }
});

Deno.test("one that speaks too slowly is shown out, with TLS and without", async () => {
  for (const certificate of [undefined, await makeSelfSigned()]) {
    await using bench = await openBench(ready, { certificate, limits: { handshakeMs: 1_000 } }, {
      tls: certificate && { ca: certificate.cert },
    });
    await bench.channel.unary(getStatus, {});
    const slow = await openSilent(bench);
    // The right beginning of either, a byte at a time.
    const hello = certificate === undefined ? "PRI * HTTP/2.0" : "\x16\x03\x01\x01\x00\x01\x00\x00";
    let sent = 0;
    const dribble = setInterval(() => slow.socket.write(hello.charAt(sent++)), 100);
    await slow.closed;
    clearInterval(dribble);
    assert.ok(messages(bench).some((message) => /its handshake took more than 1 s/.test(message)));
    await bench.channel.unary(getStatus, {});
  }
});

Deno.test("so many calls run on one connection, and the next ones wait or are refused", async () => {
  const begun: (() => void)[] = [];
  await using bench = await openBench({
    exporter: {
      ...ready.exporter,
      driverCall: () => new Promise((resolve) => begun.push(() => resolve({}))),
    },
  }, { limits: { maxStreams: 4 } });
  await bench.channel.unary(getStatus, {}); // the peer knows the limit from here on
  const calls = Array.from({ length: 10 }, () => bench.channel.unary(driverCall, {}).catch(() => {}));
  await until("the first calls", () => begun.length >= 4);
  using other = new Channel({ address: bench.server.address });
  assert.equal((await within(other.unary(getStatus, {}), "another client")).status, 4);
  assert.equal(begun.length, 4);
  const release = setInterval(() => begun.splice(0).forEach((end) => end()), 10);
  await within(Promise.all(calls), "all calls to end");
  clearInterval(release);
});

Deno.test("a message that is too long is refused, and so is too much metadata; the connection goes on", async () => {
  const limits = { maxMessageBytes: 10_000, maxMetadataBytes: 8_192 };
  await using bench = await openBench({ exporter: { ...ready.exporter, driverCall: () => ({}) } }, { limits });
  await bench.channel.unary(driverCall, { method: "a".repeat(9_000) });
  const long = await bench.channel.unary(driverCall, { method: "a".repeat(11_000) }).catch((error) => error);
  assert.match(long.message, /larger than max|too long|RESOURCE_EXHAUSTED/i);
  using talkative = new Channel({ address: bench.server.address, passphrase: "p".repeat(9_000) });
  await assert.rejects(within(talkative.unary(getStatus, {}), "the metadata to be refused"));
  await bench.channel.unary(driverCall, {});
});

Deno.test("a connection without a call is ended after a while, and the next call makes a new one", async () => {
  let connections = 0;
  const onConnection = () => void connections++;
  await using bench = await openBench(ready, { limits: { idleMs: 100 }, onConnection });
  await bench.channel.unary(getStatus, {});
  const { address } = bench.server;
  if (address.kind !== "tcp") throw new Error("not TCP");
  const idle = connectHttp2(`http://127.0.0.1:${address.port}`).on("error", () => {});
  await within(once(idle, "close"), "the idle connection to go");
  assert.equal((await within(bench.channel.unary(getStatus, {}), "the next call")).status, 4);
  assert.equal(connections, 3);
});

Deno.test("what strangers bring about fills neither the log nor what else is told of it", () => {
  const records: LogRecord[] = [];
  const told: (readonly [string, number])[] = [];
  const onRefused = ({ address, untold }: ToldRefusal) => void told.push([address, untold]);
  let now = 0;
  const log = new FloodLog(new Logger((record) => records.push(record)), { now: () => now, onRefused });
  for (let count = 0; count < 1_000; count++) {
    log.warning("room", `line ${count}`, { address: `${count}`, reason: "r" });
  }
  assert.equal(records.length, 10);
  log.warning("full", "of another kind", { address: "a", reason: "r" });
  assert.equal(records.length, 11);
  for (let count = 0; count < 20; count++) log.refused("passphrase", { address: "b", reason: "r" });
  assert.equal(records.length, 11, "it has a line of its own elsewhere");
  assert.equal(told.length, 21);
  now += 60_001;
  log.warning("room", "again", { address: "c", reason: "r" });
  log.warning("room", "and again", { address: "d", reason: "r" });
  log.refused("passphrase", { address: "e", reason: "r" });
  assert.deepEqual(records.slice(-2).map(({ message }) => message), [
    "again (990 more like this before it)",
    "and again",
  ]);
  assert.deepEqual(told.slice(-3), [["c", 990], ["d", 0], ["e", 10]]);
});
