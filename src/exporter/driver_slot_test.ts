import assert from "node:assert/strict";
import { defineDriver } from "../driver/mod.ts";
import { Logger } from "../log.ts";
import { DriverSlot, type SlotParts, type StartTimes } from "./driver_slot.ts";

/** A slot for a driver that starts as `start` says; `log` and `events` are what comes of it. */
function makeSlot(
  start: (attempt: number) => unknown,
  more: Partial<StartTimes> = {},
  parts: Partial<SlotParts> & { close?: () => Promise<void> } = {},
) {
  const log: string[] = [], events: string[] = [], faults: (string | undefined)[] = [];
  const attempts: number[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const definition = defineDriver({
    type: "test.Slow",
    client: "test.SlowClient",
    summary: "",
    methods: {},
    async start() {
      attempts.push(performance.now());
      for (const { count, resolve } of waiting) if (attempts.length >= count) resolve();
      await start(attempts.length);
      const { close } = parts;
      return close === undefined
        ? { [Symbol.dispose]: () => void events.push("closed") }
        : { [Symbol.asyncDispose]: close };
    },
  });
  const logger = new Logger(({ severity, message }) => log.push(`${severity} ${message}`));
  const slot = new DriverSlot({
    definition,
    settings: {},
    context: { name: "slow", path: "rack.slow", log: logger, workDir: "/nonexistent" },
    isRequired: false,
    onFault: (fault) => void faults.push(fault),
    times: { limitMs: 5_000, retryPause: { firstMs: 10, mostMs: 40 }, ...more },
    ...parts,
  });
  const attempted = (count: number) =>
    attempts.length >= count ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ count, resolve }));
  return { slot, log, events, faults, attempts, attempted };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a driver is tried until it starts, ever less often, and what changes is told once", async () => {
  const { slot, log, events, attempts, attempted } = makeSlot((attempt) => {
    if (attempt < 5) throw new Error(attempt < 3 ? "no port" : "port busy");
  });
  await slot.start();
  assert.equal(slot.fault, "no port");
  await attempted(5);
  await turn();
  assert.equal(slot.fault, undefined);
  assert.notEqual(slot.device, undefined);
  const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
  [10, 20, 40, 40].forEach((least, index) => assert.ok((pauses[index] ?? 0) >= least - 2, `${pauses}`));
  assert.deepEqual(log, [
    'ERROR Cannot start the driver "rack.slow" (test.Slow): no port; it is tried again',
    'WARNING The driver "rack.slow" still does not run: port busy',
    'INFO The driver "rack.slow" runs now',
  ]);
  await slot[Symbol.asyncDispose]();
  assert.deepEqual(events, ["closed"]);
});

Deno.test("a stop ends the attempts, and closes what an attempt under way still opens", async () => {
  const gate = Promise.withResolvers<void>();
  const { slot, log, events, attempts, attempted } = makeSlot((attempt) => {
    if (attempt === 2) return gate.promise;
    throw new Error("no port");
  });
  await slot.start();
  await attempted(2);
  const stopped = slot[Symbol.asyncDispose]();
  gate.resolve();
  await stopped;
  assert.deepEqual([events, attempts.length, log.length], [["closed"], 2, 1]);
  assert.throws(() => slot.device, { message: 'The driver "rack.slow" does not run: it has been stopped' });
});

Deno.test("who takes too long to start is gone on without, and joins when it has", async () => {
  const gate = Promise.withResolvers<void>();
  const { slot, log, faults, attempts } = makeSlot(() => gate.promise, { limitMs: 10 });
  await slot.start();
  const fault = "it has not started within 0.01 s";
  assert.equal(slot.fault, fault);
  assert.throws(() => slot.device, {
    name: "DriverError",
    message: `The driver "rack.slow" does not run (it joins when it has started): ${fault}`,
  });
  assert.deepEqual(log, [
    `ERROR Cannot start the driver "rack.slow" (test.Slow): ${fault}; it joins when it has started`,
  ]);
  gate.resolve();
  await turn();
  assert.equal(slot.fault, undefined);
  assert.deepEqual(faults, [fault, undefined]);
  assert.deepEqual([attempts.length, log.at(-1)], [1, 'INFO The driver "rack.slow" runs now']);
  await slot[Symbol.asyncDispose]();
});

const never = () => new Promise<never>(() => {});

Deno.test("a stop waits for no start, and begins none; a second one does not wait for the end of either", async () => {
  const stop = new AbortController(), force = new AbortController();
  const parts = { stopping: stop.signal, forced: force.signal, isRequired: true };
  const { slot, attempts, attempted } = makeSlot(never, { limitMs: 60_000 }, parts);
  const started = slot.start();
  await attempted(1);
  stop.abort();
  await started;
  assert.equal(slot.fault, "the exporter is stopping");
  const begun = performance.now();
  const stopped = slot[Symbol.asyncDispose]();
  force.abort();
  await stopped;
  assert.ok(performance.now() - begun < 1_500, "an attempt has 2 s where nobody is in a hurry");
  const next = makeSlot(never, {}, parts);
  await next.slot.start();
  assert.deepEqual([attempts.length, next.attempts.length], [1, 0]);
});

Deno.test("a device that does not close is waited for only so long, and not by who forces the stop", async () => {
  const stuck = 'WARNING The driver "rack.slow" has not stopped, and is not waited for any longer';
  const force = new AbortController();
  for (const [limitMs, forced] of [[10, undefined], [60_000, force.signal]] as const) {
    const { slot, log } = makeSlot(() => {}, { limitMs }, { close: never, forced });
    await slot.start();
    const stopped = slot[Symbol.asyncDispose]();
    force.abort();
    await stopped;
    assert.deepEqual(log, [stuck]);
  }
  const { slot, log } = makeSlot(() => {}, {}, { close: () => Promise.resolve(), forced: force.signal });
  await slot.start();
  await slot[Symbol.asyncDispose]();
  assert.deepEqual(log, [], "what closes at once is not said to hang");
});
