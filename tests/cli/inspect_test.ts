/** What `jmp inspect` says of exporters that do not say everything of themselves. */
import assert from "node:assert/strict";
import { openBench } from "../../src/rpc/bench_test.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

/** A report's entry beneath the root; of another implementation, which names no methods, unless it has some. */
function report(name: string, { methods, described = {} }: { methods?: string; described?: Record<string, string> }) {
  const labels = { "jumpstarter.dev/name": name, "jumpstarter.dev/client": "acme.Client" };
  return {
    uuid: name,
    parentUuid: "root",
    labels: methods === undefined ? labels : { ...labels, "jumpstarter.dev/methods": methods },
    methodsDescription: described,
  };
}

Deno.test("methods that an exporter does not name are unknown, and not none", async () => {
  const reports = [
    { uuid: "root", labels: {} },
    report("unsaid", {}),
    report("described", { described: { on: "Switch it on" } }),
    report("none", { methods: "" }),
    report("one", { methods: "on:call" }),
  ];
  await using bench = await openBench({ exporter: { getReport: () => ({ reports }), getStatus: () => ({}) } });
  assert.ok(bench.server.address.kind === "tcp");
  await using place = await Place.open();
  const to = ["inspect", "--tls-grpc", `127.0.0.1:${bench.server.address.port}`, "--tls-grpc-insecure"];
  const { stdout, stderr } = await runJmp(place, to);
  const no = "acme.Client  (no client for this class here)";
  assert.deepEqual(stdout.split("\n").slice(1), [
    `  unsaid  ${no}`,
    "    (methods unknown)",
    `  described  ${no}`,
    "    .on  Switch it on",
    "    (other methods unknown)",
    `  none  ${no}`,
    `  one  ${no}`,
    "    .on",
    "",
  ], stderr);
  const { drivers } = JSON.parse((await runJmp(place, [...to, "--json"])).stdout);
  const methods = Object.fromEntries(drivers.map(({ name, methods }: Record<string, string>) => [name, methods]));
  assert.deepEqual(methods, {
    unsaid: null,
    described: [{ name: "on", kind: "unknown", description: "Switch it on" }],
    none: [],
    one: [{ name: "on", kind: "call", description: "" }],
  });
});
