import assert from "node:assert/strict";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { PowerClient } from "../power/client.ts";
import { power } from "../power/mod.ts";
import { CompositeClient } from "./client.ts";

const mock = { type: "jumpstarter_driver_power.driver.MockPower" };

Deno.test("a group holds its devices, and a reference is the device itself", async () => {
  const entries = { bench: { children: { left: mock, right: mock } }, dut: { ref: "bench.right" } };
  await using bench = await serveLocally(entries, [power]);
  const { exporter } = bench;
  assert.deepEqual([...exporter.driver("bench", CompositeClient).link.children.keys()], ["left", "right"]);
  assert.equal(exporter.driver("dut").link.uuid, exporter.driver("bench.right").link.uuid);
  assert.notEqual(exporter.driver("bench.left").link.uuid, exporter.driver("bench.right").link.uuid);
  await exporter.driver("dut", PowerClient).on();
  assert.throws(() => exporter.driver("bench", PowerClient), { code: "unimplemented" });
  assert.throws(() => exporter.driver("bench.lef"), { code: "not_found", hint: 'did you mean "left"?' });
});
