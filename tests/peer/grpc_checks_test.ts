/** Our exporter, asked through Python's own gRPC library; `grpc_checks.py` has the questions. */
import assert from "node:assert/strict";
import { Place } from "../fixtures/place.ts";
import { assertChecks, serveBench, startChecks } from "./support/grpc_checks.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { ourSide, pythonSide, type Side } from "./support/side.ts";

const peer = await preparePythonPeer();
const ignore = peer.kind === "absent";
const python = pythonSide(peer.kind === "ready" ? peer.venv : "");

/** A driver of a report, with positions for ids. */
interface ReportShape {
  readonly id: number;
  readonly parent: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** The labels that our exporter adds to those of the contract. */
const ownLabels: readonly string[] = ["jumpstarter.dev/methods"];

function withoutOwnLabels(labels: ReportShape["labels"]): ReportShape["labels"] {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !ownLabels.includes(name)));
}

Deno.test({
  name: "while beforeLease runs",
  ignore,
  async fn(t) {
    await using place = await Place.open();
    await using exporter = await serveBench(place);
    await using checks = startChecks(place, python, "hook", exporter);
    await assertChecks(t, checks);
  },
});

Deno.test({
  name: "calls, streams, logs and sessions",
  ignore,
  async fn(t) {
    await using place = await Place.open();
    await using exporter = await serveBench(place);
    await exporter.bench.release();
    await using checks = startChecks(place, python, "calls", exporter);
    await assertChecks(t, checks);
  },
});

Deno.test({
  name: "with a passphrase",
  ignore,
  async fn(t) {
    await using place = await Place.open();
    await using exporter = await serveBench(place, ourSide, "passphrase");
    await exporter.bench.release();
    await using checks = startChecks(place, python, "locked", exporter);
    await assertChecks(t, checks);
  },
});

Deno.test({
  name: "the report is the one that the Python exporter gives for the same config",
  ignore,
  async fn() {
    const reportOf = async (side: Side): Promise<ReportShape[]> => {
      await using place = await Place.open();
      await using exporter = await serveBench(place, side);
      await using checks = startChecks(place, python, "report", exporter);
      const { code, stdout, stderr } = await checks.ended();
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as ReportShape[];
    };
    const ours = await reportOf(ourSide);
    const shared = ours.map((report) => ({ ...report, labels: withoutOwnLabels(report.labels) }));
    assert.deepEqual(shared, await reportOf(python));
    const [root, ...others] = ours;
    assert.equal(root?.parent, null);
    assert.equal(others.length, 7);
    for (const { id, parent } of others) assert.ok(parent !== null && parent < id, "a parent comes after its child");
  },
});
