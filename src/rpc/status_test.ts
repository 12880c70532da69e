import { Metadata, type ServiceError, status, type StatusObject } from "@grpc/grpc-js";
import fc from "fast-check";
import assert from "node:assert/strict";
import { DriverError, type ErrorCode, JumpstarterError } from "../errors.ts";
import { driverCall, openBench, rejectsWith, streamingDriverCall } from "./bench_test.ts";
import { fromStatus, toStatus } from "./status.ts";

const received = (sent: StatusObject): ServiceError =>
  Object.assign(new Error(sent.details), { name: "Error", ...sent });
const fromPeer = (code: status, details = "told") => received({ code, details, metadata: new Metadata() });

Deno.test("each code travels as the status of the contract, and comes back as itself", () => {
  const contract: [ErrorCode, status][] = [
    ["not_found", status.NOT_FOUND],
    ["unimplemented", status.UNIMPLEMENTED],
    ["invalid_argument", status.INVALID_ARGUMENT],
    ["timeout", status.DEADLINE_EXCEEDED],
    ["unavailable", status.UNAVAILABLE],
    ["io", status.INTERNAL],
    ["driver", status.UNKNOWN],
    ["not_ready", status.FAILED_PRECONDITION],
    ["busy", status.FAILED_PRECONDITION],
    ["unauthenticated", status.UNAUTHENTICATED],
    ["cancelled", status.CANCELLED],
    ["hook", status.FAILED_PRECONDITION],
    ["connection_lost", status.UNAVAILABLE],
    ["internal", status.INTERNAL],
  ];
  for (const [code, grpcCode] of contract) {
    const sent = toStatus(new JumpstarterError(code, "told"));
    assert.equal(sent.code, grpcCode, code);
    assert.equal(sent.details, "told");
    assert.equal(fromStatus(received(sent), true).code, code);
  }
});

Deno.test("what a driver has not is no unknown method, and arrives as what it is", () => {
  const sent = toStatus(new DriverError("not_found", "no such file", { byDriver: true }));
  assert.equal(sent.code, status.UNKNOWN);
  assert.equal(fromStatus(received(sent), true).code, "not_found");
});

Deno.test("codes that have no business on the wire arrive as a failure of the driver", () => {
  for (const code of ["usage", "config", "listen", "connect"] as const) {
    const sent = toStatus(new DriverError(code, "told"));
    assert.equal(sent.code, status.UNKNOWN);
    assert.equal(fromStatus(received(sent), true).code, "driver");
  }
});

Deno.test("what a peer of another make answers becomes the nearest code", () => {
  const cases: [status, ErrorCode][] = [
    [status.UNKNOWN, "driver"],
    [status.NOT_FOUND, "not_found"],
    [status.INTERNAL, "io"],
    [status.FAILED_PRECONDITION, "not_ready"],
    [status.ABORTED, "cancelled"],
    [status.UNAVAILABLE, "unavailable"],
    [status.RESOURCE_EXHAUSTED, "driver"],
    [status.DATA_LOSS, "driver"],
  ];
  for (const [grpcCode, code] of cases) assert.equal(fromStatus(fromPeer(grpcCode), true).code, code, status[grpcCode]);
  assert.equal(fromStatus(fromPeer(status.UNAVAILABLE), false).code, "connection_lost");
  // As grpc-js has it of a connection that is closed under a call.
  const unsaid = "Received RST_STREAM with code 0 (Call ended without gRPC status)";
  assert.equal(fromStatus(fromPeer(status.INTERNAL, unsaid), true).code, "connection_lost");
  assert.equal(fromStatus(fromPeer(status.NOT_FOUND, ""), true).message, "NOT_FOUND");
});

Deno.test("whatever was thrown has a status", () => {
  for (const thrown of ["text", 7, null, undefined, { a: 1 }, Symbol("s"), new Error("")]) {
    assert.equal(toStatus(thrown).code, status.UNKNOWN);
    assert.equal(typeof toStatus(thrown).details, "string");
  }
});

/** Throws what the argument says, from both kinds of call. */
const throwing = {
  exporter: {
    driverCall({ method }: { method: string }) {
      throw new Error(method);
    },
    // deno-lint-ignore require-yield
    async *streamingDriverCall({ method }: { method: string }) {
      await Promise.resolve();
      throw new Error(method);
    },
  },
};

Deno.test("any message arrives as it was thrown, whatever its characters", async () => {
  await using bench = await openBench(throwing);
  const arrives = async (method: string) => {
    for (
      const call of [
        bench.channel.unary(driverCall, { method }),
        Array.fromAsync(bench.channel.serverStream(streamingDriverCall, { method })),
      ]
    ) assert.equal((await rejectsWith(call, "driver")).message, method || "UNKNOWN");
  };
  for (const text of ["größer als 5 µA", "100 % sure, 50%25", "two\nlines\r\n", "日本 \u{1f512}", "\u0000\u007f", ""]) {
    await arrives(text);
  }
  const text = fc.string({ unit: "grapheme", maxLength: 100 }).filter((text) => text.isWellFormed());
  await fc.assert(fc.asyncProperty(text, arrives), { numRuns: 50 });
});

Deno.test("what to try arrives with the error, as far as there is room for it", async () => {
  let hint: string | undefined;
  await using bench = await openBench({
    exporter: {
      driverCall() {
        throw new JumpstarterError("io", "told", { hint });
      },
    },
  });
  const arrived = async () => (await rejectsWith(bench.channel.unary(driverCall, {}), "io")).hint;
  for (hint of [undefined, "set DENO_CERT=/etc/lab.crt, or 50%25", "größer\nals \u{1f512}"]) {
    assert.equal(await arrived(), hint);
  }
  hint = "ü".repeat(10_000);
  const cut = await arrived() ?? "";
  assert.ok(cut.endsWith("ü …") && encodeURI(cut).length <= 1_024, cut);
  const foreign = fromPeer(status.INTERNAL);
  foreign.metadata.set("x-jumpstarter-hint", "100 %");
  assert.equal(fromStatus(foreign, true).hint, undefined);
});

Deno.test("half a character does not hang the call", async () => {
  await using bench = await openBench({
    exporter: {
      driverCall() {
        throw new Error("half \ud83d");
      },
    },
  });
  const { message } = await rejectsWith(bench.channel.unary(driverCall, {}, { timeoutMs: 5_000 }), "driver");
  assert.equal(message, "half \ufffd");
});

Deno.test("a message that no trailer has room for arrives with its end cut off", async () => {
  await using bench = await openBench({
    exporter: {
      driverCall({ method }) {
        throw new Error(method.repeat(100_000));
      },
    },
  });
  for (const letter of ["x", "ü", "\u{1f512}"]) {
    const call = bench.channel.unary(driverCall, { method: letter }, { timeoutMs: 5_000 });
    const { message } = await rejectsWith(call, "driver");
    assert.ok(message.endsWith(" …"), message.slice(-20));
    assert.ok(message.isWellFormed());
    const encodedBytes = encodeURI(message).length;
    assert.ok(encodedBytes > 3_000 && encodedBytes <= 4_096, `${encodedBytes} bytes`);
  }
});
