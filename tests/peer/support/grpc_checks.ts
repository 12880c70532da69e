/** Runs `grpc_checks.py`, and turns what it prints into steps of a test. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Place, repository } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";
import { type Gate, openGate } from "../areas/beginning.ts";
import { afterLease } from "../areas/ending.ts";
import { powerBench } from "../areas/power.ts";
import { writeBenchConfig } from "./column.ts";
import { type PeerExporter, startPeerExporter } from "./peer_exporter.ts";
import { ourSide, type Security, type Side, writeCertificate } from "./side.ts";

/** An exporter that serves the bench. */
export interface ServedBench extends PeerExporter {
  readonly bench: Gate;
}

/** Serves the bench; its beforeLease still waits. */
export async function serveBench(
  place: Place,
  side: Side = ourSide,
  security: Security = "plaintext",
): Promise<ServedBench> {
  const bench = openGate(place);
  const config = await writeBenchConfig(place, [bench, powerBench, { hooks: { afterLease } }]);
  const running = await startPeerExporter(place, side, config, security, await writeCertificate(place));
  return { ...running, bench };
}

/** Starts a group of checks against an exporter. */
export function startChecks(
  place: Place,
  python: Side,
  group: string,
  { address, bench }: ServedBench,
  env = {},
): Program {
  const script = join(repository, "tests", "peer", "grpc_checks.py");
  // The one that stands first on its PATH.
  const words = ["env", "python", script, group, address, bench.gate];
  return new Program(place, words, { env: { ...python.env, ...env } });
}

/** Makes a step of each check that a group has printed. */
export async function assertChecks(t: Deno.TestContext, checks: Program): Promise<void> {
  const { code, stdout, stderr } = await checks.ended();
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line) as { name?: string; problem?: string | null });
  const results = lines.filter(({ name }) => name !== undefined);
  for (const { name = "", problem } of results) {
    await t.step(name, () => assert.equal(problem, null));
  }
  assert.equal(code, 0, stderr);
  assert.ok(results.length > 0, "nothing was checked");
}
