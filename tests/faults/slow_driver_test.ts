/** A driver that takes its time, or gives no other a turn, holds up nobody else, or the exporter says who it was. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { PowerClient } from "../../drivers/power/client.ts";
import { connect } from "../../mod.ts";
import { ExporterService } from "../../proto/mod.ts";
import { openChannel } from "../../src/client/mod.ts";
import { type ConfigText, type RunningExporter, startExporter } from "../fixtures/exporter.ts";
import { Place, repository } from "../fixtures/place.ts";

const slow = `let made = 0;
const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end;); };
export const slow = {
  type: "acme.Slow", client: "jumpstarter_driver_power.client.PowerClient", summary: "A switch that takes its time",
  start: () => null, concurrent: true,
  methods: {
    seconds: { kind: "callStream", async *run() {
      for (let second = 0; second < 4; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        yield second;
      }
    } },
    endless: { kind: "callStream", *run() { for (;; busy(1)) yield made++; } },
    made: { kind: "call", run: () => made },
    block: { kind: "call", run: () => busy(2_000) },
  },
};
`;

async function startBench(place: Place, more: ConfigText["export"] = {}): Promise<RunningExporter> {
  await place.write("slow.ts", slow);
  const power = { type: "jumpstarter_driver_power.driver.MockPower" };
  const config = { export: { power, slow: { type: "./slow.ts#slow" }, ...more } };
  const exporter = await startExporter(place, { config });
  await exporter.ready();
  return exporter;
}

/** A client that wants something of all that an exporter has beside the slow driver. */
async function openOther({ address }: RunningExporter) {
  const { getStatus, logStream } = ExporterService.method;
  const client = await connect(address, { insecure: true });
  const channel = openChannel(address, { insecure: true });
  const lines = channel.serverStream(logStream, {})[Symbol.asyncIterator]();
  return {
    /** Asks for the status, calls another driver, and waits until the log says so. */
    async ask(): Promise<void> {
      await channel.unary(getStatus, {});
      await client.driver("power", PowerClient).on();
      for (let line = await lines.next(); line.value?.message !== "power on"; line = await lines.next());
    },
    async [Symbol.asyncDispose]() {
      channel[Symbol.dispose]();
      await lines.return(undefined).catch(() => {/* its channel is closed */});
      await client[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a stream whose driver takes a second for each value", async () => {
  await using place = await Place.open();
  await using exporter = await startBench(place);
  await using client = await connect(exporter.address, { insecure: true });
  await using other = await openOther(exporter);
  const values = client.driver("slow").callStream("seconds")[Symbol.asyncIterator]();
  for (let second = 0; second < 4; second++) {
    const order: unknown[] = [];
    const next = values.next().then(({ value }) => order.push(value));
    await other.ask().then(() => order.push("answered"));
    await next;
    assert.deepEqual(order, ["answered", second]);
  }
});

Deno.test("a method that blocks, for which the exporter has a line in its log", async () => {
  await using place = await Place.open();
  await using exporter = await startBench(place);
  await using client = await connect(exporter.address, { insecure: true });
  await client.driver("slow").call("block");
  await exporter.program.seeErr(
    /WARNING The exporter stood still for \d\.\d s while slow\.block ran: a driver must not/,
  );
  await client.driver("power", PowerClient).on();
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/slow\.block ran/g)?.length, 1, stderr);
});

Deno.test("a method that blocks in a worker, as CONTRIBUTING has it", async () => {
  await using place = await Place.open();
  const page = await Deno.readTextFile(join(repository, ".github", "CONTRIBUTING.md"));
  const modules = page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```$/gms);
  for (const [, name = "", text = ""] of modules) {
    await place.write(name, text.replace("@jumpstarter/cli", join(repository, "mod.ts")));
  }
  await using exporter = await startBench(place, { meter: { type: "./meter.ts#meter" } });
  await using client = await connect(exporter.address, { insecure: true });
  await using other = await openOther(exporter);
  const order: unknown[] = [];
  const measuring = client.driver("meter").call("measure").then((volts) => order.push(volts));
  await other.ask().then(() => order.push("answered"));
  await measuring;
  assert.deepEqual(order, ["answered", 4.2]);
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
});

Deno.test("an endless stream of values that its driver never waits for", async () => {
  await using place = await Place.open();
  await using exporter = await startBench(place);
  await using client = await connect(exporter.address, { insecure: true });
  await using other = await openOther(exporter);
  await using looker = await connect(exporter.address, { insecure: true });
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _ of client.driver("slow").callStream("endless", [], { signal: stop.signal }));
  })().catch(() => {/* it is ended */});
  let madeBefore = 0;
  for (let round = 0; round < 5; round++) {
    await other.ask();
    const made = Number(await looker.driver("slow").call("made"));
    // A value takes a millisecond.
    assert.ok(made - madeBefore < 5_000, `answered only after ${made - madeBefore} values`);
    madeBefore = made;
  }
  stop.abort();
  await reading;
});
