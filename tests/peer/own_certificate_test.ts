/** The Python client, and the certificate that an exporter makes for itself: its file is all that the client needs. */
import assert from "node:assert/strict";
import { startExporter } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { Program } from "../fixtures/program.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { pythonSide } from "./support/side.ts";

const peer = await preparePythonPeer();

Deno.test({
  name: "the Python client trusts the exporter's own certificate by its file, and not without it",
  ignore: peer.kind === "absent",
  async fn() {
    const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
    await using place = await Place.open();
    await using exporter = await startExporter(place, { security: [] });
    await exporter.ready();
    const [, roots = ""] = /The certificate is (\S+),/.exec(exporter.program.stderr) ?? [];
    for (const host of ["127.0.0.1", "localhost"]) {
      const words = [...python.jmp, "shell", "--tls-grpc", `${host}:${exporter.port}`, "--", "j", "power", "on"];
      const env = { ...python.env, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: roots };
      await using trusting = new Program(place, words, { env });
      const { code, stderr } = await trusting.ended();
      assert.equal(code, 0, `${host}: ${stderr}`);
    }
    await exporter.program.seeErr(/(power on[^]*){2}/);
    const words = [...python.jmp, "shell", "--tls-grpc", exporter.address, "--", "echo", "reached"];
    await using stranger = new Program(place, words, { env: python.env });
    const { code, stdout } = await stranger.ended();
    assert.notEqual(code, 0);
    assert.doesNotMatch(stdout, /reached/);
  },
});
