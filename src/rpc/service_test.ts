import assert from "node:assert/strict";
import type { Value } from "@bufbuild/protobuf/wkt";
import { until } from "../../tests/fixtures/until.ts";
import { DriverError, JumpstarterError } from "../errors.ts";
import {
  driverCall,
  getStatus,
  logStream,
  openBench,
  rejectsWith,
  streamingDriverCall,
  streamMethod,
  within,
} from "./bench_test.ts";
import { plainPeer } from "./peer.ts";
import type { ServerCall } from "./server_call.ts";
import { fromValue, toValue } from "./value.ts";

const text = (length: number): Value => toValue("x".repeat(length));

/** A promise and a signal that a test waits for. */
function never(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

Deno.test("a unary call carries its request and its answer", async () => {
  await using bench = await openBench({
    exporter: { driverCall: ({ uuid, method, args }) => ({ uuid: `${uuid}/${method}`, result: args[0] }) },
  });
  const answer = await bench.channel.unary(driverCall, { uuid: "u", method: "m", args: [toValue({ a: [1, null] })] });
  assert.equal(answer.uuid, "u/m");
  assert.deepEqual(fromValue(answer.result), { a: [1, null] });
});

Deno.test("an error is told with its code, after every response that came before it", async () => {
  for (const [count, length] of [[0, 1], [1, 1], [2, 1], [20, 1], [100, 1], [20, 30_000], [100, 30_000]] as const) {
    await using bench = await openBench({
      exporter: {
        async *streamingDriverCall() {
          for (let sent = 0; sent < count; sent++) yield { result: text(length) };
          await Promise.resolve();
          throw new DriverError("io", "late failure");
        },
      },
      router: {
        async *stream(_requests, call) {
          call.sendMetadata({});
          for (let sent = 0; sent < count; sent++) yield { payload: new Uint8Array(length) };
          await Promise.resolve();
          throw new DriverError("io", "late failure");
        },
      },
    });
    let received = 0;
    const reading = (async () => {
      for await (const _ of bench.channel.serverStream(streamingDriverCall, {})) received++;
    })();
    assert.equal((await rejectsWith(within(reading, "the error"), "io")).message, "late failure");
    assert.equal(received, count);
    let frames = 0;
    const relaying = (async () => {
      for await (const _ of bench.channel.duplex(streamMethod, {}).messages()) frames++;
    })();
    await rejectsWith(within(relaying, "the error of the raw stream"), "io");
    assert.equal(frames, count);
  }
});

Deno.test("a handler that throws instead of answering a stream is told too", async () => {
  await using bench = await openBench({
    exporter: {
      logStream() {
        throw new JumpstarterError("not_ready", "not yet");
      },
    },
  });
  const call = Array.fromAsync(bench.channel.serverStream(logStream, {}));
  assert.equal((await rejectsWith(call, "not_ready")).message, "not yet");
});

Deno.test("a caller that cancels, runs out of time or goes away fires the handler's signal", async () => {
  const seen: string[] = [];
  await using bench = await openBench({
    exporter: {
      async driverCall(_request, { signal }) {
        seen.push("began");
        await never(signal).catch(() => seen.push("ended"));
        return {};
      },
    },
  });
  const { channel, server } = bench;
  const abort = new AbortController();
  const cancelled = rejectsWith(within(channel.unary(driverCall, {}, { signal: abort.signal }), "cancel"), "cancelled");
  await until("the call to begin", () => seen.length === 1);
  abort.abort();
  await cancelled;
  await until("the handler to hear of the cancellation", () => seen.length === 2);
  await rejectsWith(within(channel.unary(driverCall, {}, { timeoutMs: 50 }), "time-out"), "timeout");
  await until("the handler to hear of the time-out", () => seen.length === 4);
  const { Channel } = await import("./channel.ts");
  const leaving = new Channel({ address: server.address });
  const lost = leaving.unary(driverCall, {}).catch(() => {});
  await until("the third call to begin", () => seen.length === 5);
  leaving[Symbol.dispose]();
  await server.stop(0);
  await lost;
  await until("the handler to hear that its client has gone", () => seen.length === 6);
});

Deno.test("values that need no waiting leave room for all else", async () => {
  let made = 0;
  const madeByTurn = Promise.withResolvers<number>();
  await using bench = await openBench({
    exporter: {
      async *streamingDriverCall() {
        setTimeout(() => madeByTurn.resolve(made), 0);
        for (; made < 3_000; made++) {
          const end = performance.now() + 1;
          while (performance.now() < end); // what a value takes to be made
          yield {};
        }
      },
    },
  });
  for await (const _ of bench.channel.serverStream(streamingDriverCall, {})) if (made > 100) break;
  assert.ok(await madeByTurn.promise < 100, "nothing else had a turn");
});

Deno.test("leaving the loop of a stream ends the handler's generator", async () => {
  let given = 0, isClosed = false;
  await using bench = await openBench({
    exporter: {
      async *streamingDriverCall(_request, { signal }) {
        try {
          while (!signal.aborted) {
            given++;
            yield {};
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          isClosed = true;
        }
      },
    },
  });
  for await (const _ of bench.channel.serverStream(streamingDriverCall, {})) if (given > 3) break;
  await until("the generator to be closed", () => isClosed);
});

Deno.test("a slow generator whose client goes is told to return, and nobody waits for it", async () => {
  const release = Promise.withResolvers<void>();
  let isBusy = false, isClosed = false;
  const abort = new AbortController();
  {
    await using bench = await openBench({
      exporter: {
        async *streamingDriverCall() {
          try {
            isBusy = true;
            await release.promise; // heeds no signal
            yield {};
          } finally {
            isClosed = true;
          }
        },
      },
    });
    const call = Array.fromAsync(bench.channel.serverStream(streamingDriverCall, {}, { signal: abort.signal }));
    const ended = rejectsWith(call, "cancelled");
    await until("the generator to begin", () => isBusy);
    abort.abort();
    await within(ended, "the client not to wait");
    await within(bench.server.stop(5_000), "the server not to wait");
  }
  assert.equal(isClosed, false);
  release.resolve();
  await until("the generator to return", () => isClosed);
});

Deno.test("a generator that fails after its client has gone disturbs nobody", async () => {
  const release = Promise.withResolvers<void>();
  let isBusy = false;
  await using bench = await openBench({
    exporter: {
      getStatus: () => ({ status: 4 }),
      // deno-lint-ignore require-yield
      async *streamingDriverCall() {
        isBusy = true;
        await release.promise;
        throw new Error("too late for anyone");
      },
    },
  });
  const abort = new AbortController();
  const call = Array.fromAsync(bench.channel.serverStream(streamingDriverCall, {}, { signal: abort.signal }));
  const ended = rejectsWith(call, "cancelled");
  await until("the generator to begin", () => isBusy);
  abort.abort();
  await ended;
  release.resolve();
  assert.equal((await bench.channel.unary(getStatus, {})).status, 4);
});

Deno.test("a call knows where it comes from, what it was sent, and whether it is trusted", async () => {
  for (const isTrusted of [true, false]) {
    const calls: ServerCall[] = [];
    await using bench = await openBench({
      router: {
        async *stream(_requests, call) {
          calls.push(call);
          call.sendMetadata({ answer: "42" });
          yield { frameType: 7 };
        },
      },
    }, { isTrusted });
    const call = bench.channel.duplex(streamMethod, { request: '{"a":1}' });
    assert.equal((await call.metadata()).answer, "42");
    call.halfClose();
    const [seen] = calls;
    assert.equal(seen?.isTrusted, isTrusted);
    assert.equal(seen?.metadata("request"), '{"a":1}');
    assert.equal(seen?.metadata("other"), undefined);
    assert.match(seen?.peer ?? "", /^127\.0\.0\.1:\d+$/);
    assert.equal((await within(call.ended, "the call to end")).code, 0);
  }
});

Deno.test("an IPv4 client of a listener on every address is shown by its plain address", () => {
  assert.equal(plainPeer("[::ffff:192.0.2.7]:1234"), "192.0.2.7:1234");
  assert.equal(plainPeer("::ffff:192.0.2.7:1234"), "192.0.2.7:1234");
  assert.equal(plainPeer("[2001:db8::1]:1234"), "[2001:db8::1]:1234");
  assert.equal(plainPeer("192.0.2.7:1234"), "192.0.2.7:1234");
});
