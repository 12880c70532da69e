/** What transfers and calls are measured on. */
import { connect, type DriverClient } from "../mod.ts";
import { writeConfig } from "../tests/fixtures/exporter.ts";
import type { Place } from "../tests/fixtures/place.ts";
import { type PeerExporter, startPeerExporter } from "../tests/peer/support/peer_exporter.ts";
import { PythonClient } from "../tests/peer/support/python_client.ts";
import { deviceType, sessionEnv, type Side, writeCertificate } from "../tests/peer/support/side.ts";

/** An exporter of one side with clients of both, which stay connected. */
export interface Bench extends AsyncDisposable {
  readonly exporter: PeerExporter;
  readonly ours: DriverClient;
  readonly python: PythonClient;
}

/** The words before those of a program that keep it to one processor. */
const onProcessor = (number: number) => ["taskset", "--cpu-list", String(number)];

/**
 * Starts an exporter of `side` and connects both clients to it.
 *
 * @param apart The exporter and the Python client have a processor each, as on two machines.
 */
export async function openBench(place: Place, side: Side, python: Side, { apart = false } = {}): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const entries = { probe: { type: deviceType(side, "probe", "Probe") } };
  const config = await writeConfig(place, { namespace: "default", export: entries }, `${side.name}.yaml`);
  const certificate = await writeCertificate(place);
  const served = apart ? { ...side, jmp: [...onProcessor(0), ...side.jmp] } : side;
  const exporter = stack.use(await startPeerExporter(place, served, config, "plaintext", certificate));
  const client = stack.use(await connect(exporter.address, { insecure: true }));
  const env = sessionEnv(python, exporter.address, "plaintext", certificate);
  const owned = stack.move();
  owned.use(exporter);
  const pythonClient = owned.use(new PythonClient(place, env, apart ? onProcessor(1) : []));
  return {
    exporter,
    ours: client.driver("probe"),
    python: pythonClient,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
