import assert from "node:assert/strict";
import { connect } from "../../mod.ts";
import { freePort } from "../../tests/fixtures/network.ts";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { until } from "../../tests/fixtures/until.ts";
import type { TcpAddress } from "../address.ts";
import { defineDriver, type DriverPackage } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";

/** A device that is started once the gate is open. */
function makeSlowDevice() {
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  const definition = defineDriver({
    type: "test.Slow",
    client: "test.SlowClient",
    summary: "Takes its time",
    async start() {
      events.push("starting");
      await gate.promise;
      events.push("started");
      return {};
    },
    methods: {},
  });
  const packages: DriverPackage = { drivers: { [definition.type]: () => Promise.resolve(definition) }, clients: {} };
  return { events, openGate: gate.resolve, packages };
}

const entries = { slow: { type: "test.Slow" } };

Deno.test("no driver is started for an address that is taken", async () => {
  const first = makeSlowDevice(), second = makeSlowDevice();
  first.openGate();
  await using running = await serveLocally(entries, [first.packages]);
  const address: TcpAddress = { kind: "tcp", host: "127.0.0.1", port: running.port };
  const error: unknown = await serveLocally(entries, [second.packages], { address }).catch((error) => error);
  assert.ok(error instanceof JumpstarterError);
  assert.equal(error.code, "listen");
  assert.deepEqual(second.events, []);
});

Deno.test("a client that comes while drivers start is served once they have", async () => {
  const { events, openGate, packages } = makeSlowDevice();
  const address: TcpAddress = { kind: "tcp", host: "127.0.0.1", port: freePort() };
  const serving = serveLocally(entries, [packages], { address });
  await until("a driver is starting", () => events.includes("starting"));
  (await Deno.connect({ hostname: "127.0.0.1", port: address.port })).close(); // it listens already
  const connecting = connect(`127.0.0.1:${address.port}`, { insecure: true });
  openGate();
  await using _bench = await serving;
  await using early = await connecting;
  assert.deepEqual(events, ["starting", "started"]);
  assert.equal(early.name, "bench");
});
