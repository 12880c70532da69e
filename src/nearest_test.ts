import fc from "fast-check";
import assert from "node:assert/strict";
import { nearest } from "./nearest.ts";

const types = [
  "jumpstarter_driver_power.driver.MockPower",
  "jumpstarter_driver_power.driver.SyncMockPower",
  "jumpstarter_driver_composite.driver.Composite",
];

Deno.test("a slip of the finger finds its name, nearest first, whatever the case", () => {
  assert.deepEqual(nearest("pwoer", ["power", "serial", "storage"]), ["power"]);
  assert.deepEqual(nearest("POWER", ["serial", "power"]), ["power"]);
  assert.deepEqual(nearest("jumpstarter_driver_power.driver.MockPowr", types)[0], types[0]);
  assert.deepEqual(nearest("bat", ["cart", "cat", "bat"]), ["bat", "cat", "cart"]);
});

Deno.test("a right class in a wrong package is near", () => {
  assert.deepEqual(nearest("jumpstarter.MockPower", types), [types[0]]);
  assert.deepEqual(nearest("MockPower", types), [types[0]]);
});

Deno.test("what is nothing like it is not offered, and never more than three", () => {
  assert.deepEqual(nearest("zzzzzz", ["power", "serial"]), []);
  assert.deepEqual(nearest("x", []), []);
  fc.assert(fc.property(fc.string(), fc.array(fc.string()), (name, known) => {
    const near = nearest(name, known);
    assert.ok(near.length <= 3);
    for (const one of near) assert.ok(known.includes(one));
    if (name !== "" && known.includes(name)) assert.equal(near[0]?.toLowerCase(), name.toLowerCase());
  }));
});
