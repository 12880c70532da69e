/** A Python client, and a driver of ours that cannot start: the others work, and it says why it does not. */
import assert from "node:assert/strict";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { PythonClient, PythonError } from "./support/python_client.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { pythonSide } from "./support/side.ts";

const peer = await preparePythonPeer();

const gadget = `export const gadget = {
  type: "acme.Gadget", client: "jumpstarter_driver_power.client.PowerClient", summary: "A switch",
  start() { throw new Error("no board at /dev/ttyUSB7"); },
  methods: { on: { kind: "call", run: () => {} } },
};
`;

Deno.test({
  name: "a Python client uses the rest of a bench, and reads what is wrong with a driver",
  ignore: peer.kind === "absent",
  async fn() {
    const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
    await using place = await Place.open();
    await place.write("gadget.ts", gadget);
    const power = { type: "jumpstarter_driver_power.driver.MockPower" };
    const config = await writeConfig(place, { export: { relay: { type: "./gadget.ts#gadget" }, power } });
    await using exporter = await startExporter(place, { config });
    await exporter.ready();
    await using client = new PythonClient(place, { ...python.env, ...exporter.env, JMP_DRIVERS_ALLOW: "UNSAFE" });
    assert.equal(await client.ask("return client.power.on()"), null);
    const error = await client.ask("return client.relay.on()").catch((error) => error);
    assert.ok(error instanceof PythonError, String(error));
    assert.equal(error.classes[0], "DriverError");
    assert.match(error.message, /"relay" does not run \(it is tried again\): no board at \/dev\/ttyUSB7/);
    assert.equal(await client.ask("return client.relay.description"), "broken: no board at /dev/ttyUSB7");
  },
});
