import assert from "node:assert/strict";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { PowerClient } from "./client.ts";
import { power } from "./mod.ts";

const mock = { type: "jumpstarter_driver_power.driver.MockPower" };

Deno.test("a power switch is switched and read over a real connection", async () => {
  await using bench = await serveLocally({ power: mock }, [power]);
  const client = bench.exporter.driver("power", PowerClient);
  await client.on();
  await client.cycle({ waitMs: 0 });
  assert.deepEqual(await Array.fromAsync(client.read()), [{ voltage: 0, current: 0 }, { voltage: 5, current: 2 }]);
  const switched = bench.records.filter(({ source }) => source === "driver").map(({ message }) => message);
  assert.deepEqual(switched, ["power on", "power off", "power on"]);
});

Deno.test("the second name of the mock is the same driver", async () => {
  await using bench = await serveLocally({ power: { type: "jumpstarter_driver_power.driver.SyncMockPower" } }, [
    power,
  ]);
  await bench.exporter.driver("power", PowerClient).off();
  assert.ok(bench.records.some(({ message }) => message === "power off"));
});

Deno.test("an argument too many and an unknown method are refused", async () => {
  await using bench = await serveLocally({ power: mock }, [power]);
  const client = bench.exporter.driver("power");
  await assert.rejects(client.call("on", [1]), { name: "DriverError", code: "invalid_argument" });
  for (const method of ["explode", "constructor", "__proto__", "toString", "read"]) {
    await assert.rejects(client.call(method), { name: "DriverError", code: "not_found" });
  }
});
