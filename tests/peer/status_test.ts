/** `jmp status` of ours, and an exporter of the Python implementation. */
import assert from "node:assert/strict";
import { writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";
import { startPeerExporter } from "./support/peer_exporter.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { pythonSide, writeCertificate } from "./support/side.ts";

const peer = await preparePythonPeer();

Deno.test({
  name: "a Python exporter's status is what it can tell, and it cannot be held",
  ignore: peer.kind === "absent",
  async fn() {
    const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
    await using place = await Place.open();
    const config = await writeConfig(place, { namespace: "default" });
    const certificate = await writeCertificate(place);
    await using exporter = await startPeerExporter(place, python, config, "plaintext", certificate);
    const options = ["--tls-grpc", exporter.address, "--tls-grpc-insecure"];
    await using watch = startJmp(place, ["status", ...options, "--watch"]);
    await watch.seeOut(/LEASE_READY/);
    const { stdout } = await runJmp(place, ["status", ...options, "--json"]);
    const { state, holder, clients, version, drivers } = JSON.parse(stdout);
    assert.deepEqual({ state, holder, clients, version }, {
      state: "LEASE_READY",
      holder: null,
      clients: null,
      version: null,
    });
    assert.deepEqual(drivers, [{ path: "power", class: "jumpstarter_driver_power.client.PowerClient", broken: null }]);
    const held = await runJmp(place, ["shell", ...options, "--exclusive", "--", "true"]);
    assert.equal(held.code, 1);
    assert.match(held.stderr, /This exporter cannot be held: it is another implementation's/);
  },
});
