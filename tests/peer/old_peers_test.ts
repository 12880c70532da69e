/**
 * Releases before the one that judges: their calls and their status. 0.8.1 has direct mode. 0.7.4 has none: its
 * exporter serves a Unix socket to the programs of its own `jmp shell` alone, and its client knows no other address,
 * no TLS of its own and no passphrase; so they meet there. It knows no GetStatus either.
 */
import assert from "node:assert/strict";
import { connect } from "../../mod.ts";
import { PowerClient } from "../../drivers/power/client.ts";
import { type ConnectOptions, openChannel } from "../../src/client/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import * as pb from "../../proto/mod.ts";
import { writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { startPeerExporter } from "./support/peer_exporter.ts";
import { PythonClient } from "./support/python_client.ts";
import { prepareOldPeer } from "./support/python_peer.ts";
import { Session } from "./support/session.ts";
import { ourSide, pythonSide, sessionEnv, type Side, writeCertificate } from "./support/side.ts";

const mock = "jumpstarter_driver_power.driver.MockPower";

/** A config that both releases take: one switch, and one in a group. */
function config(place: Place): Promise<string> {
  const entries = { power: { type: mock }, bench: { children: { supply: { type: mock } } } };
  return writeConfig(place, { namespace: "default", export: entries });
}

/** What our client can do with an old exporter. */
async function assertDriven(address: string, options: ConnectOptions): Promise<void> {
  await using exporter = await connect(address, options);
  assert.deepEqual(exporter.root.children.map(({ name }) => name).sort(), ["bench", "power"]);
  await exporter.driver("bench.supply", PowerClient).on();
  const power = exporter.driver("power", PowerClient);
  await power.off();
  const readings = await Array.fromAsync(power.read());
  assert.deepEqual(readings.map(({ voltage, current }) => [voltage, current]), [[0, 0], [5, 2]]);
  await assert.rejects(power.call("explode"), JumpstarterError);
}

/** What the status of an old exporter is; it may not know the question. */
async function statusOf(address: string, options: ConnectOptions): Promise<string> {
  using channel = openChannel(address, options);
  const { status } = await channel.unary(pb.ExporterService.method.getStatus, {})
    .catch((error: JumpstarterError) => ({ status: error.code }));
  return typeof status === "string" ? status : pb.ExporterStatus[status] ?? "";
}

/** What an old client can do with our exporter: `env` says where that is. */
async function assertDrives(place: Place, env: Readonly<Record<string, string>>): Promise<void> {
  await using client = new PythonClient(place, env);
  const answer = await client.ask(`
    client.bench.supply.on()
    client.power.off()
    try:
        client.power.call("explode")
        error = None
    except Exception as exception:
        error = type(exception).__name__
    return [sorted(client.children), [[one.voltage, one.current] for one in client.power.read()], error is None]
  `);
  assert.deepEqual(answer, [["bench", "power"], [[0, 0], [5, 2]], false]);
}

/** Declares a test of a release. */
async function test(version: string, name: string, run: (python: Side) => Promise<void>): Promise<void> {
  const peer = await prepareOldPeer(version);
  const reason = peer.kind === "absent" ? ` (NOT RUN: ${peer.why})` : "";
  Deno.test({
    name: `${version}: ${name}${reason}`,
    ignore: peer.kind === "absent",
    fn: () => run(pythonSide(peer.kind === "ready" ? peer.venv : "")),
  });
}

await test("0.8.1", "its exporter, and our client", async (python) => {
  await using place = await Place.open();
  const certificate = await writeCertificate(place);
  await using exporter = await startPeerExporter(place, python, await config(place), "plaintext", certificate);
  const options = { insecure: true };
  await assertDriven(exporter.address, options);
  assert.equal(await statusOf(exporter.address, options), "LEASE_READY");
});

await test("0.8.1", "its client, and our exporter with a passphrase", async (python) => {
  await using place = await Place.open();
  const certificate = await writeCertificate(place);
  await using exporter = await startPeerExporter(place, ourSide, await config(place), "passphrase", certificate);
  await exporter.program.seeErr("Ready: ");
  await assertDrives(place, sessionEnv(python, exporter.address, "passphrase", certificate));
});

await test("0.7.4", "its exporter, and our client", async (python) => {
  await using place = await Place.open();
  await using shell = new Session(
    place,
    [...python.jmp, "shell", "--exporter-config", await config(place)],
    python.env,
  );
  const { stdout } = await shell.run("printenv JUMPSTARTER_HOST");
  const address = stdout.trim();
  await assertDriven(address, {});
  assert.equal(await statusOf(address, {}), "unimplemented");
});

await test("0.7.4", "its client, and our exporter", async (python) => {
  await using place = await Place.open();
  await using shell = new Session(
    place,
    [...ourSide.jmp, "shell", "--exporter-config", await config(place)],
    ourSide.env,
  );
  const { stdout } = await shell.run("printenv JUMPSTARTER_HOST");
  await assertDrives(place, { ...python.env, JUMPSTARTER_HOST: stdout.trim(), JMP_DRIVERS_ALLOW: "UNSAFE" });
});
