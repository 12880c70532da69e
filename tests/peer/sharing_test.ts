/** A Python client beside one of ours that holds the devices. */
import assert from "node:assert/strict";
import { exitCodes } from "../../src/exit_codes.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { openShell } from "../fixtures/shell.ts";
import { until } from "../fixtures/until.ts";
import { PythonClient, PythonError } from "./support/python_client.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { pythonSide } from "./support/side.ts";

const peer = await preparePythonPeer();

Deno.test({
  name: "a Python client is undisturbed, is refused while somebody holds the devices, and may look meanwhile",
  ignore: peer.kind === "absent",
  async fn() {
    const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
    await using place = await Place.open();
    await using exporter = await startExporter(place, { config: { exclusive: true } });
    await exporter.ready();
    const env = { ...python.env, ...exporter.env, JMP_DRIVERS_ALLOW: "UNSAFE" };
    await using client = new PythonClient(place, env);
    assert.equal(await client.ask("return client.power.on()"), null);
    await using shell = await openShell(place, exporter.shell);
    const error = await client.ask("return client.power.on()").catch((error) => error);
    assert.ok(error instanceof PythonError, String(error));
    assert.match(error.message, /busy: held by \S+ from 127\.0\.0\.1:\d+ since/);
    await using other = new PythonClient(place, env);
    assert.equal(await other.ask("return list(client.children)").then(String), "power");
    await shell.program.closeInput();
    assert.equal((await shell.program.ended()).code, exitCodes.ok);
    // The exporter hears of the end of a connection when it hears of it.
    const isFree = () => client.ask("return client.power.off()").then((answer) => answer === null, () => false);
    await until("the devices are free", isFree);
  },
});
