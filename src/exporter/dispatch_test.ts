import { z } from "zod";
import assert from "node:assert/strict";
import { call, type CallContext, callStream, openStream } from "../driver/mod.ts";
import { DriverError, type ErrorCode, JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { bareNode, rejectsWith } from "./bench_test.ts";
import { callMethod, callStreamMethod, openStreamMethod } from "./dispatch.ts";

const { signal } = new AbortController();
const stream = () => ({ readable: new ReadableStream<Uint8Array>(), writable: new WritableStream<Uint8Array>() });

Deno.test("only a driver's own methods can be called, whatever a peer names", async () => {
  const { node } = bareNode({ on: call({ run: () => "done" }) });
  assert.equal(await callMethod(node, "on", [], { signal }), "done");
  for (const name of ["off", "", "constructor", "toString", "__proto__", "hasOwnProperty", "valueOf", "On", "on "]) {
    const error = await rejectsWith(callMethod(node, name, [], { signal }), "not_found");
    assert.match(error.message, /"rack\.bare" has no method/);
    assert.equal(error.hint, "it has on");
  }
});

Deno.test("a method is callable only as what it is", async () => {
  const { node } = bareNode({
    one: call({ run: () => null }),
    many: callStream({ run: () => [1] }),
    raw: openStream({ run: stream }),
  });
  const callAs = {
    one: (name: string) => callMethod(node, name, [], { signal }),
    many: (name: string) => Array.fromAsync(callStreamMethod(node, name, [], { signal })),
    raw: (name: string) => openStreamMethod(node, name, { signal }),
  };
  for (const [kind, callIt] of Object.entries(callAs)) {
    for (const name of ["one", "many", "raw"]) {
      if (name === kind) await callIt(name);
      else assert.match((await rejectsWith(callIt(name), "not_found")).message, new RegExp(`"${name}".* is a `));
    }
  }
});

Deno.test("arguments are checked and completed before the driver sees them", async () => {
  const seen: unknown[] = [];
  const args = z.tuple([z.int().min(1), z.string().default("x")]);
  const { node } = bareNode({
    set: call({ args, run: (_device, args) => void seen.push(args) }),
    watch: callStream({ args, run: (_device, args) => [...args] }),
  });
  assert.equal(await callMethod(node, "set", [3], { signal }), null);
  assert.deepEqual(await Array.fromAsync(callStreamMethod(node, "watch", [4, "y"], { signal })), [4, "y"]);
  for (const wrong of [[], ["3"], [0], [1.5], [1, 2], [1, "x", null], [null]] as Json[][]) {
    const error = await rejectsWith(callMethod(node, "set", wrong, { signal }), "invalid_argument");
    assert.match(error.message, /^rack\.bare\.set: ./);
    await rejectsWith(Array.fromAsync(callStreamMethod(node, "watch", wrong, { signal })), "invalid_argument");
  }
  assert.deepEqual(seen, [[3, "x"]]);
});

Deno.test("what is wrong with arguments is told by which one, or by how many", async () => {
  const args = z.tuple([z.int(), z.string(), z.string().default("x")]);
  const { node } = bareNode({ set: call({ args, run: () => null }) });
  const told = async (...given: Json[]) =>
    (await rejectsWith(callMethod(node, "set", given, { signal }), "invalid_argument")).message;
  assert.equal(await told(), "rack.bare.set: it takes more arguments, and got 0");
  assert.equal(await told(1, "a", "b", "c"), "rack.bare.set: it takes fewer arguments, and got 4");
  assert.equal(await told(1, 2), "rack.bare.set: argument 2 must be a string, not a number");
});

Deno.test("a method without arguments takes none", async () => {
  const { node } = bareNode({ on: call({ run: () => null }) });
  const error = await rejectsWith(callMethod(node, "on", [1, 2], { signal }), "invalid_argument");
  assert.match(error.message, /takes no arguments, and got 2/);
});

Deno.test("the driver gets its device, a log with its name, and a signal", async () => {
  const device = { pin: 7 };
  let context: CallContext | undefined;
  const { node, records } = bareNode({
    on: call({
      run(mine: typeof device, _args, given) {
        assert.equal(mine, device);
        context = given;
        given.log.info("switching");
      },
    }) as never,
  }, device);
  assert.equal(await callMethod(node, "on", [], { signal }), null, "nothing is null");
  assert.equal(context?.signal.aborted, false);
  const [{ message, operation } = {}] = records as { message?: string; operation?: string }[];
  assert.deepEqual({ message, operation }, { message: "switching", operation: "on" });
});

Deno.test("what a driver throws becomes the error that the contract has for it", async () => {
  const withCode = (code: string) => Object.assign(new Error(`${code}: oops`), { code });
  const cases: [unknown, ErrorCode, RegExp][] = [
    [new Error("relay stuck"), "driver", /^relay stuck$/],
    [new TypeError("not a pin"), "driver", /^TypeError: not a pin$/],
    ["just text", "driver", /^just text$/],
    [undefined, "driver", /undefined/],
    [new DriverError("unimplemented", "not on this model"), "unimplemented", /^not on this model$/],
    [new JumpstarterError("invalid_argument", "no such pin"), "invalid_argument", /no such pin/],
    [new JumpstarterError("unavailable", "gone"), "unavailable", /gone/],
    [new DOMException("slow", "TimeoutError"), "timeout", /slow/],
    [new Deno.errors.TimedOut("slow"), "timeout", /slow/],
    [withCode("ETIMEDOUT"), "timeout", /ETIMEDOUT/],
    ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EPIPE"]
      .map((code): [unknown, ErrorCode, RegExp] => [withCode(code), "unavailable", new RegExp(code)]),
    ...["EIO", "ENOENT", "EACCES", "EBUSY", "ENODEV"]
      .map((code): [unknown, ErrorCode, RegExp] => [withCode(code), "io", new RegExp(code)]),
    [withCode("ERR_INVALID_ARG_TYPE"), "driver", /oops/],
    [Object.assign(new Error("x"), { code: 20 }), "driver", /x/],
  ];
  for (const [thrown, code, message] of cases) {
    const fail = () => {
      throw thrown;
    };
    const { node, records } = bareNode({
      one: call({ run: fail }),
      many: callStream({ run: fail }),
      raw: openStream({ run: fail }),
    });
    for (
      const outcome of [
        callMethod(node, "one", [], { signal }),
        Array.fromAsync(callStreamMethod(node, "many", [], { signal })),
        openStreamMethod(node, "raw", { signal }),
      ]
    ) {
      const error = await rejectsWith(outcome, code);
      assert.match(error.message, message);
      assert.ok(error instanceof DriverError && error.driver === "rack.bare" && error.cause === thrown);
    }
    const errors = records.filter(({ severity }) => severity === "ERROR").map(({ message }) => message);
    assert.equal(errors.length, 3, "the exporter's log says why");
    for (const line of errors) assert.match(line, /^rack\.bare\.\w+ of test\.Bare failed: ./);
  }
});

Deno.test("real errors of the operating system and of sockets are told apart", async () => {
  const { node } = bareNode({
    read: call({ run: () => Deno.readTextFile("/no/such/file") }),
    connect: call({
      async run() {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const { port } = listener.addr;
        listener.close();
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      },
    }),
    wait: call({ run: () => new Promise<void>((_, reject) => reject(AbortSignal.abort().reason)) }),
  });
  await rejectsWith(callMethod(node, "read", [], { signal }), "io");
  await rejectsWith(callMethod(node, "connect", [], { signal }), "unavailable");
  await rejectsWith(callMethod(node, "wait", [], { signal }), "driver");
});

Deno.test("what fails because its caller gave up is cancelled, and only a detail in the log", async () => {
  const abort = new AbortController(), begun = Promise.withResolvers<void>();
  const { node, records } = bareNode({
    wait: call({
      run(_device, _args, { signal }) {
        begun.resolve();
        return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
      },
    }),
  });
  const outcome = rejectsWith(callMethod(node, "wait", [], abort), "cancelled");
  await begun.promise;
  abort.abort();
  assert.match((await outcome).message, /rack\.bare\.wait/);
  const told = records.map(({ severity, message }) => `${severity} ${message}`);
  assert.deepEqual(told, ["DEBUG rack.bare.wait was cancelled, and has ended with: stopped"]);
});

Deno.test("a stream's values are made as they are asked for, and its end reaches the driver", async () => {
  const made: number[] = [];
  let isClosed = false;
  const { node } = bareNode({
    count: callStream({
      *run() {
        try {
          for (let value = 1;; value++) {
            made.push(value);
            yield value;
          }
        } finally {
          isClosed = true;
        }
      },
    }),
  });
  for await (const value of callStreamMethod(node, "count", [], { signal })) if (value === 3) break;
  assert.deepEqual(made, [1, 2, 3]);
  assert.equal(isClosed, true);
});

Deno.test("a failure in the midst of a stream comes after the values before it", async () => {
  const { node } = bareNode({
    count: callStream({
      async *run() {
        yield 1;
        yield await Promise.resolve(2);
        throw Object.assign(new Error("EIO"), { code: "EIO" });
      },
    }),
  });
  const values: Json[] = [];
  const read = async () => {
    for await (const value of callStreamMethod(node, "count", [], { signal })) values.push(value);
  };
  await rejectsWith(read(), "io");
  assert.deepEqual(values, [1, 2]);
});

Deno.test("a cancelled call that does not end is told in the log", async () => {
  const timers: { run: () => void; ms: number | undefined }[] = [];
  const { setTimeout: real } = globalThis;
  const gate = Promise.withResolvers<void>(), begun = Promise.withResolvers<void>();
  const { node, records } = bareNode({
    deaf: call({
      run() {
        begun.resolve();
        return gate.promise;
      },
    }),
  });
  const abort = new AbortController();
  globalThis.setTimeout = ((run: () => void, ms?: number) => timers.push({ run, ms })) as unknown as typeof real;
  try {
    const outcome = callMethod(node, "deaf", [], abort);
    await begun.promise;
    assert.equal(timers.length, 0);
    abort.abort();
    assert.deepEqual(timers.map(({ ms }) => ms), [10_000]);
    timers.at(0)?.run();
    gate.resolve();
    assert.equal(await outcome, null);
  } finally {
    globalThis.setTimeout = real;
  }
  const told = records.filter(({ severity }) => severity === "WARNING").map(({ message }) => message);
  assert.deepEqual(told, ["rack.bare.deaf was cancelled 10 s ago and has not ended; other calls may wait"]);
});
