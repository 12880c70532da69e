/** Our exporter, pinged by Python's gRPC library; the other side of the test is in `grpc_checks.py`. */
import assert from "node:assert/strict";
import { Place } from "../fixtures/place.ts";
import { assertChecks, serveBench, startChecks } from "./support/grpc_checks.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { pythonSide } from "./support/side.ts";

const peer = await preparePythonPeer();

/** A server that does not permit such pings ends the connection at the third. */
const pingsPerConnection = 3;
const connections = 2;

Deno.test({
  name: "a client may ping every 10 s",
  ignore: peer.kind === "absent",
  async fn(t) {
    const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
    await using place = await Place.open();
    await using exporter = await serveBench(place);
    await exporter.bench.release();
    await using checks = startChecks(place, python, "keepalive", exporter, {
      GRPC_VERBOSITY: "debug",
      GRPC_TRACE: "http_keepalive",
    });
    await checks.seeOut('{"connected": true}');
    for (let count = 1; count <= pingsPerConnection * connections; count++) {
      await checks.seeErr(new RegExp(`(?:Finish keepalive ping[^]*){${count}}`));
    }
    await checks.type("enough\n");
    await assertChecks(t, checks);
    assert.doesNotMatch(checks.stderr, /too_many_pings|ENHANCE_YOUR_CALM/);
  },
});
