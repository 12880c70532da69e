/**
 * The exporter is killed, stands still, or is behind a cable that was pulled, while clients are in the midst of
 * anything: each of them is told, within 30 s, and the exporter lets go of them when it can.
 */
import assert from "node:assert/strict";
import { startExporter } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { FaultBench, holdingsOf, type Occasion, occasions } from "../fixtures/fault_bench.ts";
import { missingNamespaces, openNetworkNamespace } from "../fixtures/network_namespace.ts";
import { Place } from "../fixtures/place.ts";
import { type Program, startJmp } from "../fixtures/program.ts";
import { missingTerminal } from "../fixtures/typed_terminal.ts";

const noTerminal = await missingTerminal();
const noNamespaces = await missingNamespaces();
const possible = occasions.filter(({ isBeneath }) => isBeneath === undefined || noTerminal === undefined);
const isLinux = Deno.build.os === "linux";

/** Clients in the midst of everything, all at once. */
async function beginAll(bench: FaultBench): Promise<[Occasion, Program][]> {
  const begun: [Occasion, Program][] = [];
  for (const occasion of possible) begun.push([occasion, await occasion.begin(bench)]);
  return begun;
}

/** A client is told within 30 s; what comes on top is for a busy machine. */
const toldWithinMs = 35_000;

/** Sees each client end with code 7, since it has lost its exporter; with 4 where it begins a call and finds none. */
async function assertTold(begun: readonly [Occasion, Program][], address: string): Promise<void> {
  for (const [{ goOn }, client] of begun) await goOn?.(client);
  await Promise.all(begun.map(async ([{ name, goOn }, client]) => {
    await using _ = client;
    const { code, stderr, stdout } = await client.ended(toldWithinMs);
    const says = `${name}: ${stdout}${stderr}`; // on a terminal there is one stream for both
    const isLost = says.includes(`j: The connection to the exporter at ${address} was lost`);
    const isMissed = goOn !== undefined && says.includes(`j: Cannot connect to ${address}: `);
    assert.ok((code === 7 && isLost) || (code === 4 && isMissed), `code ${code}, ${says}`);
  }));
}

async function killed(): Promise<void> {
  await using place = await Place.open();
  await using bench = await FaultBench.open(place);
  await Deno.writeTextFile(place.path("storage", "kept.img"), "whole");
  const begun = await beginAll(bench);
  bench.exporter.program.signal("SIGKILL");
  await assertTold(begun, bench.exporter.address);
  assert.equal(await Deno.readTextFile(place.path("storage", "kept.img")), "whole");
}

async function stopped(): Promise<void> {
  await using place = await Place.open();
  await using bench = await FaultBench.open(place);
  const before = await holdingsOf(bench.exporter.program.pid);
  const begun = await beginAll(bench);
  bench.exporter.program.signal("SIGSTOP");
  await assertTold(begun, bench.exporter.address);
  bench.exporter.program.signal("SIGCONT");
  await bench.holdsOnly(before);
  await bench.serves();
}

async function cablePulled(): Promise<void> {
  await using network = await openNetworkNamespace();
  await using place = await Place.open();
  await using bench = await FaultBench.open(place, { within: network.within, listener: `${network.address}:0` });
  const before = await holdingsOf(bench.exporter.program.pid);
  const begun = await beginAll(bench);
  await network.pull();
  await assertTold(begun, bench.exporter.address);
  await bench.holdsOnly(before); // noticed at that end as well
  await network.plug();
  // The system takes a moment to find the way again, and refuses at once until then.
  const address = { hostname: network.address, port: bench.exporter.port };
  await until("the way is found", () => Deno.connect(address).then((found) => (found.close(), true), () => false));
  await bench.serves();
  const { code, stderr } = await bench.exporter.program.stop();
  assert.equal(code, 0, stderr);
}

function duringHook(signal: "SIGKILL" | "SIGSTOP"): () => Promise<void> {
  return async () => {
    await using place = await Place.open();
    const script = `echo begun; sleep 600`;
    await using exporter = await startExporter(place, { config: { hooks: { beforeLease: { script } } } });
    await using client = startJmp(place, [...exporter.shell, "--", "true"]);
    await client.seeErr("begun");
    exporter.program.signal(signal);
    const { code, stderr } = await client.ended(toldWithinMs);
    assert.deepEqual([code, /jmp: The connection to the exporter .* was lost/.test(stderr)], [7, true], stderr);
  };
}

const rows: readonly { name: string; run: () => Promise<void>; notRun?: string }[] = [
  { name: "kill -9 of the exporter", run: killed },
  { name: "kill -9 of the exporter during its hook", run: duringHook("SIGKILL") },
  { name: "SIGSTOP of the exporter", run: stopped, notRun: isLinux ? undefined : "needs /proc" },
  { name: "SIGSTOP of the exporter during its hook", run: duringHook("SIGSTOP") },
  { name: "a cable that is pulled without a word", run: cablePulled, notRun: noNamespaces },
];

// Most of the time goes by in silence, so all of them wait together.
Deno.test("an exporter that is gone, in whichever way", async (t) => {
  const outcomes = rows.map(({ run, notRun }) => notRun === undefined ? run() : Promise.resolve());
  for (const outcome of outcomes) outcome.catch(() => {/* told by its step */});
  for (const [index, { name, notRun }] of rows.entries()) {
    const ignore = notRun !== undefined;
    await t.step({
      name: `${name}${ignore ? ` (not run: ${notRun})` : ""}`,
      ignore,
      fn: () => outcomes[index] ?? assert.fail(),
      sanitizeOps: false,
      sanitizeResources: false,
    });
  }
});
