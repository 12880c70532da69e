/** What runs when the exporter stops: it is told, waited for, and only then does its device close. */
import assert from "node:assert/strict";
import { call, callStream, defineDriver, type DriverPackage, openStream } from "../../src/driver/mod.ts";
import type { JumpstarterError } from "../../src/errors.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { serveLocally } from "../fixtures/local_exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { startJmp } from "../fixtures/program.ts";

/** A device whose calls end when they are let go, whatever their signal says; `events` tells what happens to it. */
function makeDeafDevice() {
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = async (signal: AbortSignal) => {
    events.push("begun");
    const tell = () => void events.push("told");
    signal.addEventListener("abort", tell);
    await gate.promise;
    signal.removeEventListener("abort", tell);
    events.push("ended");
  };
  const definition = defineDriver({
    type: "test.Deaf",
    client: "test.DeafClient",
    summary: "Hears nothing",
    start: () => ({ [Symbol.dispose]: () => void events.push("closed") }),
    methods: {
      once: call({ run: (_device, _args, { signal }) => work(signal) }),
      look: call({ concurrent: true, run: () => [...events] }),
      many: callStream({
        async *run(_device, _args, { signal }) {
          yield 1;
          await work(signal);
        },
      }),
    },
  });
  const packages: DriverPackage = { drivers: { [definition.type]: () => Promise.resolve(definition) }, clients: {} };
  return { events, letGo: gate.resolve, packages };
}

const entries = { deaf: { type: "test.Deaf" } };
const failure = (promise: Promise<unknown>) =>
  promise.then(() => assert.fail("it went well"), (error) => error as JumpstarterError);

for (const method of ["once", "many"]) {
  Deno.test(`a device closes when the ${method === "once" ? "call" : "stream"} on it has ended, and not before`, async () => {
    const { events, letGo, packages } = makeDeafDevice();
    await using bench = await serveLocally(entries, [packages]);
    const client = bench.exporter.driver("deaf");
    const outcome = failure(method === "once" ? client.call("once") : Array.fromAsync(client.callStream("many")));
    await until("it has begun", () => events.includes("begun"));
    const stopped = bench.stop();
    const { code } = await outcome;
    assert.equal(code, "connection_lost", "its client does not wait with it");
    assert.deepEqual(events, ["begun", "told"]);
    letGo();
    await stopped;
    assert.deepEqual(events, ["begun", "told", "ended", "closed"]);
  });
}

Deno.test("who forces the stop waits for nobody, and the log names what did not end", async () => {
  const { events, letGo, packages } = makeDeafDevice();
  const forced = new AbortController();
  await using bench = await serveLocally(entries, [packages], { forced: forced.signal });
  const outcome = failure(bench.exporter.driver("deaf").call("once"));
  await until("it has begun", () => events.includes("begun"));
  const stopped = bench.stop();
  await outcome;
  forced.abort();
  await stopped;
  assert.deepEqual(events, ["begun", "told", "closed"]);
  const warnings = bench.records.filter(({ severity }) => severity === "WARNING").map(({ message }) => message);
  assert.deepEqual(warnings, ["deaf.once does not end; its device is closed all the same"]);
  letGo();
});

Deno.test("a client that has gone leaves its call to end, and the next client's waits for it", async () => {
  const { events, letGo, packages } = makeDeafDevice();
  await using bench = await serveLocally(entries, [packages]);
  const first = await bench.connect();
  const outcome = failure(first.driver("deaf").call("once"));
  await until("it has begun", () => events.includes("begun"));
  await first[Symbol.asyncDispose]();
  await outcome;
  await until("it is told", () => events.includes("told"));
  const next = bench.exporter.driver("deaf");
  const { code } = await failure(next.call("once", [], { timeoutMs: 100 }));
  assert.equal(code, "timeout", "waiting is over when the caller says so");
  // What comes later on the same connection finds the cancellation done.
  assert.deepEqual(await next.call("look"), ["begun", "told"]);
  const second = next.call("once");
  letGo();
  await second;
  assert.deepEqual(events, ["begun", "told", "ended", "begun", "ended"]);
});

Deno.test("the end of a session ends what other clients have open, and lets the next one in", async () => {
  const { packages, events } = makeDeafDevice();
  await using bench = await serveLocally({ ...entries, echo: { type: "test.Echo" } }, [packages, echoPackage()]);
  await using other = await bench.connect();
  const { readable, writable } = await other.driver("echo").openStream("connect");
  const writer = writable.getWriter();
  await writer.write(new Uint8Array([1]));
  const reader = readable.getReader();
  assert.equal((await reader.read()).value?.[0], 1);
  await bench.exporter.endSession();
  let isOver = false;
  const outcome = failure(reader.read()).finally(() => isOver = true);
  await until("it has ended", () => isOver);
  const { code, message } = await outcome;
  assert.deepEqual([code, message], ["not_ready", "the session has ended"]);
  await failure(writer.closed);
  await using next = await bench.connect();
  assert.deepEqual(await next.driver("deaf").call("look"), events);
});

function echoPackage(): DriverPackage {
  const definition = defineDriver({
    type: "test.Echo",
    client: "test.EchoClient",
    summary: "Sends back",
    start: () => null,
    methods: { connect: openStream({ run: () => new TransformStream<Uint8Array, Uint8Array>() }) },
  });
  return { drivers: { [definition.type]: () => Promise.resolve(definition) }, clients: {} };
}

Deno.test("afterLease has the devices for itself: what a client left running ends first", async () => {
  await using place = await Place.open();
  const methods = { endless: "echo up; sleep 600", tidy: "echo tidied" };
  await using exporter = await startExporter(place, {
    config: {
      export: { tools: { type: "jumpstarter_driver_shell.driver.Shell", config: { methods } } },
      hooks: { afterLease: { script: "j tools tidy" } },
    },
  });
  await exporter.ready();
  await using client = startJmp(place, ["j", "tools", "endless"], { env: exporter.env });
  await client.seeOut("up\n");
  const { code, stderr } = await exporter.program.stop();
  assert.deepEqual([code, stderr.includes("tidied")], [0, true], stderr);
  const ended = await client.ended();
  assert.equal(ended.code, 7);
  assert.match(ended.stderr, /^j: tools\.call_method was cancelled: the exporter is stopping$/m);
});
