import assert from "node:assert/strict";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { until } from "../../tests/fixtures/until.ts";
import {
  breaks,
  driverCall,
  getStatus,
  logStream,
  openBench,
  rejectsWith,
  streamMethod,
  within,
} from "./bench_test.ts";
import { type ErrorCode, JumpstarterError } from "../errors.ts";
import { Channel } from "./channel.ts";
import { readAll } from "./frame_bench_test.ts";
import { openFrameStream } from "./frame_stream.ts";

/** Handlers that never end by themselves. */
const slow = {
  exporter: {
    driverCall: (_request: unknown, { signal }: { signal: AbortSignal }) => ended(signal),
    async *logStream(_request: unknown, { signal }: { signal: AbortSignal }) {
      yield {};
      await ended(signal);
    },
  },
  router: {
    async *stream(_requests: unknown, call: { signal: AbortSignal; sendMetadata(entries: object): void }) {
      call.sendMetadata({});
      yield {};
      await ended(call.signal);
    },
  },
};

/** How many handlers are waiting for their end. */
let running = 0;

function ended(signal: AbortSignal): Promise<never> {
  running++;
  signal.addEventListener("abort", () => running--);
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** Each kind of call, as a promise that ends with it. */
function calls(channel: Channel, limits: { signal?: AbortSignal; timeoutMs?: number }): Promise<unknown>[] {
  const begin: (() => Promise<unknown>)[] = [
    async () => await channel.unary(driverCall, {}, limits),
    async () => await Array.fromAsync(channel.serverStream(logStream, {}, limits)),
    async () => await readAll(openFrameStream(channel.duplex(streamMethod, {}, limits)).readable),
  ];
  return begin.map((call) => within(call(), "the call to end"));
}

function allRejectWith(calls: Promise<unknown>[], code: ErrorCode): Promise<JumpstarterError[]> {
  return Promise.all(calls.map((call) => rejectsWith(call, code)));
}

Deno.test("a call that takes longer than it may ends with timeout", async () => {
  await using bench = await openBench(slow);
  await allRejectWith(calls(bench.channel, { timeoutMs: 50 }), "timeout");
});

Deno.test("a call that is given up ends with cancelled, before it began and in its midst", async () => {
  await using bench = await openBench(slow);
  await allRejectWith(calls(bench.channel, { signal: AbortSignal.abort() }), "cancelled");
  const abort = new AbortController();
  await until("the calls of other tests to end", () => running === 0);
  const given = calls(bench.channel, { signal: abort.signal }).map((call) => rejectsWith(call, "cancelled"));
  await until("the calls to begin", () => running === 3);
  abort.abort();
  await Promise.all(given);
});

Deno.test("a reason of one's own is told where the call was given up before it began", async () => {
  await using bench = await openBench(slow);
  const reason = new JumpstarterError("cancelled", "interrupted");
  const own = await allRejectWith(calls(bench.channel, { signal: AbortSignal.abort(reason) }), "cancelled");
  for (const error of own) assert.equal(error, reason);
  const late = AbortSignal.abort(new DOMException("too late", "TimeoutError"));
  await allRejectWith(calls(bench.channel, { signal: late }), "timeout");
});

Deno.test("an exporter that goes away while calls run, and after calls, is a lost connection", async () => {
  await using bench = await openBench({ ...slow, exporter: { ...slow.exporter, getStatus: () => ({}) } });
  await bench.channel.unary(getStatus, {});
  await until("the calls of other tests to end", () => running === 0);
  const lost = calls(bench.channel, {}).map((call) => rejectsWith(call, "connection_lost"));
  await until("the calls to begin", () => running === 3);
  await bench.server.stop(0);
  await Promise.all(lost);
  const { message, hint } = await rejectsWith(bench.channel.unary(getStatus, {}), "connection_lost");
  assert.match(message, /connection to the exporter at 127\.0\.0\.1:\d+ was lost/i);
  assert.ok(hint);
});

Deno.test("a method that an older exporter does not have is unimplemented", async () => {
  await using bench = await openBench(slow);
  await rejectsWith(bench.channel.unary(getStatus, {}), "unimplemented");
});

Deno.test("a passphrase that cannot travel is refused before any call", () => {
  const address = { kind: "tcp" as const, host: "127.0.0.1", port: 1 };
  assert.throws(
    () => new Channel({ address, passphrase: "ü" }),
    (error) => (error as JumpstarterError).code === "usage",
  );
});

Deno.test("calls after the channel is closed fail, and do not hang", async () => {
  await using bench = await openBench({ exporter: { getStatus: () => ({}) } });
  const channel = new Channel({ address: bench.server.address });
  await channel.unary(getStatus, {});
  channel[Symbol.dispose]();
  await breaks(channel.unary(getStatus, {}), "the call");
});

Deno.test("closing the channel cancels the calls under way", async () => {
  await using bench = await openBench(slow);
  await until("the calls of other tests to end", () => running === 0);
  const channel = new Channel({ address: bench.server.address });
  const under = calls(channel, {}).map((call) => rejectsWith(call, "cancelled"));
  await until("the calls to begin", () => running === 3);
  // Nobody reads this one.
  const stream = openFrameStream(channel.duplex(streamMethod, {}));
  await until("the last call to begin", () => running === 4);
  channel[Symbol.dispose]();
  await Promise.all(under);
  await until("the server to be told", () => running === 0);
  await breaks(readAll(stream.readable), "the stream");
});

Deno.test("a peer that ends a stream before its first word is no stream", async () => {
  const peer = createServer();
  peer.on("stream", (stream: ServerHttp2Stream) => {
    const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": "0" };
    stream.respond(headers, { endStream: true });
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  const { port } = peer.address() as AddressInfo;
  const channel = new Channel({ address: { kind: "tcp", host: "127.0.0.1", port } });
  try {
    await rejectsWith(within(channel.duplex(streamMethod, {}).metadata(), "the first word"), "connection_lost");
  } finally {
    channel[Symbol.dispose]();
    await new Promise((resolve) => peer.close(resolve));
  }
});
