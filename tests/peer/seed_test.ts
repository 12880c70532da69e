/**
 * Every client with every exporter, as people run them: processes, with hooks, over the network. The pairs of Python
 * with itself are the control: they show that what is asked here can be answered.
 */
import { Place } from "../fixtures/place.ts";
import { writeSeedBench } from "./seed_bench.ts";
import { type Pairing, type RunningPair, seedRows, sessionWords } from "./seed_rows.ts";
import { Matrix } from "./support/matrix.ts";
import { startPeerExporter } from "./support/peer_exporter.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { Session } from "./support/session.ts";
import { clientEnv, ourSide, pythonSide, type Security, writeCertificate } from "./support/side.ts";

const peer = await preparePythonPeer();
const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
const securities: readonly Security[] = ["plaintext", "passphrase", "TLS"];
const pairings: readonly Pairing[] = [python, ourSide].flatMap((client) =>
  [python, ourSide].flatMap((exporter) => securities.map((security) => ({ client, exporter, security })))
);
const column = ({ client, exporter, security }: Pairing) => `${client.name}, > ${exporter.name}, ${security}`;
const matrix = new Matrix(pairings.map(column), seedRows.map(({ name }) => name));

for (const pairing of pairings) {
  const needsPython = [pairing.client, pairing.exporter].includes(python);
  const absence = peer.kind === "absent" && needsPython ? peer.why : undefined;
  if (absence !== undefined) {
    for (const { name } of seedRows) matrix.note(column(pairing), name, { notRun: absence });
  }
  Deno.test({ name: column(pairing), ignore: absence !== undefined, fn: (t) => runPairing(t, pairing) });
}

Deno.test.afterAll(() => console.log(`\nclient, > exporter, security:\n\n${matrix.format()}\n`));

async function runPairing(t: Deno.TestContext, pairing: Pairing): Promise<void> {
  const { client, exporter, security } = pairing;
  await using place = await Place.open();
  const certificate = await writeCertificate(place);
  const bench = await writeSeedBench(place);
  await using running = await startPeerExporter(place, exporter, bench.config, security, certificate);
  const words = sessionWords(pairing, running.address, certificate);
  await using session = new Session(place, words, clientEnv(client, security, certificate));
  const pair: RunningPair = { ...pairing, place, certificate, bench, running, session };
  for (const { name, run, notRun } of seedRows) {
    const why = notRun?.(pairing);
    const isOk = await t.step({ name, ignore: why !== undefined, fn: () => run(pair) });
    matrix.note(column(pairing), name, why !== undefined ? { notRun: why } : isOk ? "ok" : "FAILED");
  }
}
