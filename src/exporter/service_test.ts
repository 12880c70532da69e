import assert from "node:assert/strict";
import { until } from "../../tests/fixtures/until.ts";
import { Listener } from "../listener.ts";
import * as pb from "../../proto/mod.ts";
import { call, callStream, type Method, openStream } from "../driver/mod.ts";
import type { ErrorCode } from "../errors.ts";
import type { Json } from "../json.ts";
import type { LogRecord } from "../log.ts";
import { Channel, fromValue, openFrameStream, serve } from "../rpc/mod.ts";
import { bareNode, context, rejectsWith } from "./bench_test.ts";
import { LogFeed } from "./log_feed.ts";
import { exporterServices } from "./service.ts";
import { Session } from "./session.ts";
import { StatusBoard } from "./status_board.ts";

const { driverCall, streamingDriverCall, getReport, getStatus, logStream, reset, endSession } =
  pb.ExporterService.method;
const streamMethod = pb.RouterService.method.stream;

/** A session with one driver, behind a real socket. */
async function openService(methods: Readonly<Record<string, Method>>, name = "bench") {
  const { node, records } = bareNode(methods);
  const status = new StatusBoard(), feed = new LogFeed(), stopped = new AbortController();
  status.set(pb.ExporterStatus.LEASE_READY, "Ready for commands");
  const session = new Session({
    name,
    uuid: "the-exporter",
    motd: () => "hello",
    root: node,
    status,
    feed,
    stopped: stopped.signal,
    endSession: () => Promise.resolve("next"),
  });
  const address = { kind: "tcp" as const, host: "127.0.0.1", port: 0 };
  const server = serve({
    listener: await Listener.open(address),
    services: exporterServices(session),
    log: context.log,
  });
  const channel = new Channel({ address: server.address });
  return {
    uuid: node.uuid,
    records,
    status,
    feed,
    channel,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      channel[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const rawRequest = (request: unknown) => ({ request: JSON.stringify(request) });

Deno.test("results travel with an id of their own each", async () => {
  await using service = await openService({
    one: call({ run: () => ({ a: [1, null] }) }),
    many: callStream({ run: () => [1, "two", null] }),
    none: call({ run: () => {} }),
  });
  const { channel, uuid } = service;
  const one = await channel.unary(driverCall, { uuid, method: "one" });
  assert.deepEqual(fromValue(one.result), { a: [1, null] });
  const none = await channel.unary(driverCall, { uuid, method: "none" });
  assert.equal(none.result?.kind.case, "nullValue", "nothing is null, and not left out");
  const many = await Array.fromAsync(channel.serverStream(streamingDriverCall, { uuid, method: "many" }));
  assert.deepEqual(many.map(({ result }) => fromValue(result)), [1, "two", null]);
  const uuids = [one, none, ...many].map(({ uuid }) => uuid);
  assert.equal(new Set(uuids).size, uuids.length);
  for (const id of uuids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});

Deno.test("a result that no JSON can say is the driver's fault, and not its caller's", async () => {
  const bad = (value: unknown) => value as Json;
  await using service = await openService({
    one: call({ run: () => bad(NaN) }),
    many: callStream({ run: () => [1, bad([undefined])] }),
  });
  const { channel, uuid } = service;
  await rejectsWith(channel.unary(driverCall, { uuid, method: "one" }), "driver");
  await rejectsWith(Array.fromAsync(channel.serverStream(streamingDriverCall, { uuid, method: "many" })), "driver");
});

Deno.test("the report arrives whole, whatever the exporter is called", async () => {
  for (const name of ["bench", "Prüfstand 7 \u{1f50c}", "__proto__", "", "a\u0000b\nc", "x".repeat(100_000)]) {
    await using service = await openService({}, name);
    const report = await service.channel.unary(getReport, {});
    assert.equal(report.labels["jumpstarter.dev/name"], name);
    assert.deepEqual([report.uuid, report.motd, report.reports.length], ["the-exporter", "hello", 1]);
  }
});

Deno.test("the status arrives with its version and what was before", async () => {
  await using service = await openService({});
  service.status.set(pb.ExporterStatus.AFTER_LEASE_HOOK, "busy");
  const { status, message, statusVersion, previousStatus } = await service.channel.unary(getStatus, {});
  assert.deepEqual([status, message, statusVersion, previousStatus], [5, "busy", 2n, 4]);
  await rejectsWith(service.channel.unary(reset, {}), "unimplemented");
  assert.deepEqual((await service.channel.unary(endSession, {})).message, "next");
});

Deno.test("a log line arrives with all that is known of it", async () => {
  await using service = await openService({});
  const time = new Date(1_700_000_000_123);
  service.feed.push({
    time,
    severity: "WARNING",
    message: "hot",
    source: "driver",
    driverType: "test.Bare",
    operation: "on",
    fields: { celsius: "81" },
  });
  for await (const line of service.channel.serverStream(logStream, {})) {
    assert.deepEqual([line.severity, line.message, line.source], ["WARNING", "hot", pb.LogSource.DRIVER]);
    assert.deepEqual([line.driverType, line.operation], ["test.Bare", "on"]);
    assert.deepEqual(line.structuredFields, { celsius: "81" });
    assert.equal(line.timestamp && pb.timestampDate(line.timestamp).getTime(), time.getTime());
    break;
  }
});

Deno.test("a raw stream that is asked for wrongly is an invalid argument", async () => {
  await using service = await openService({ on: call({ run: () => null }) });
  const { channel, uuid } = service;
  const cases: [Record<string, string>, ErrorCode][] = [
    [{}, "invalid_argument"],
    [{ request: "" }, "invalid_argument"],
    [{ request: "{" }, "invalid_argument"],
    [{ request: "null" }, "invalid_argument"],
    [{ request: "[]" }, "invalid_argument"],
    [rawRequest({ kind: "other", uuid, method: "connect" }), "invalid_argument"],
    [rawRequest({ kind: "driver", uuid: 7, method: "connect" }), "invalid_argument"],
    [rawRequest({ kind: "driver", uuid }), "invalid_argument"],
    [rawRequest({ kind: "driver", uuid: "power", method: "connect" }), "invalid_argument"],
    [rawRequest({ kind: "driver", uuid, method: "connect" }), "not_found"],
    [rawRequest({ kind: "driver", uuid, method: "on" }), "not_found"],
  ];
  for (const [metadata, code] of cases) {
    const { readable } = openFrameStream(channel.duplex(streamMethod, metadata));
    await rejectsWith(Array.fromAsync(readable), code);
  }
});

Deno.test("a device that breaks in the midst of a raw stream is told by what it means", async () => {
  const cases: [Error & { code?: string }, ErrorCode][] = [
    [Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }), "unavailable"],
    [Object.assign(new Error("input/output error"), { code: "EIO" }), "io"],
    [new Error("firmware crashed"), "driver"],
  ];
  for (const [failure, code] of cases) {
    for (const side of ["reading", "writing"]) {
      const records = await recordsOfBreak(failure, code, side);
      const noted = records.filter(({ severity }) => severity !== "DEBUG").map(({ message }) => message);
      assert.deepEqual(noted, [`rack.bare.connect of test.Bare failed: ${failure.message}`]);
    }
  }
});

/** What an exporter has logged, by its end, of a device that breaks while it is read or written. */
async function recordsOfBreak(failure: Error, code: ErrorCode, side: string): Promise<readonly LogRecord[]> {
  await using service = await openService({
    connect: openStream({
      run: () => ({
        readable: new ReadableStream<Uint8Array>({
          pull: () => side === "reading" ? Promise.reject(failure) : new Promise(() => {}),
        }),
        writable: new WritableStream<Uint8Array>({
          write: () => side === "writing" ? Promise.reject(failure) : undefined,
        }),
      }),
    }),
  });
  const request = rawRequest({ kind: "driver", uuid: service.uuid, method: "connect" });
  const { readable, writable } = openFrameStream(service.channel.duplex(streamMethod, request));
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  writer.write(new Uint8Array([1])).catch(() => {});
  const error = await rejectsWith(Array.fromAsync(readable), code);
  assert.equal(error.message, failure.message);
  return service.records;
}

Deno.test("a device that does not let go of a raw stream is told in the log", async () => {
  for (const side of ["readable", "writable"]) {
    const taken = Promise.withResolvers<void>();
    const fail = (what: string) => () => side === what ? Promise.reject(new Error("the port hangs")) : undefined;
    await using service = await openService({
      connect: openStream({
        run: () => ({
          readable: new ReadableStream<Uint8Array>({ cancel: fail("readable") }),
          writable: new WritableStream<Uint8Array>({ write: () => taken.resolve(), abort: fail("writable") }),
        }),
      }),
    });
    const request = rawRequest({ kind: "driver", uuid: service.uuid, method: "connect" });
    const stream = openFrameStream(service.channel.duplex(streamMethod, request));
    await stream.writable.getWriter().write(new Uint8Array([1]));
    await taken.promise;
    stream.cancel();
    await until("it is told", () => service.records.length > 0);
    const told = service.records.map(({ severity, message }) => `${severity} ${message}`);
    assert.deepEqual(told, ["WARNING rack.bare.connect of test.Bare has not let go of its stream: the port hangs"]);
  }
});
