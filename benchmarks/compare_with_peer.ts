/** Measures this program and the Python implementation in one run; README.md says how to read what it prints. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../mod.ts";
import { PowerClient } from "../drivers/power/client.ts";
import { freePort } from "../tests/fixtures/network.ts";
import { Place, repository, shortPause } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";
import { startPeerExporter } from "../tests/peer/support/peer_exporter.ts";
import { PEER_VERSION, preparePythonPeer } from "../tests/peer/support/python_peer.ts";
import { Session } from "../tests/peer/support/session.ts";
import { ourSide, pythonSide, type Side, writeCertificate } from "../tests/peer/support/side.ts";
import { alternate, type Pair } from "./alternate.ts";
import { compareTransfers } from "./compare_transfers.ts";
import { residentMemory } from "./resident_memory.ts";
import { type Comparison, formatTable } from "./table.ts";

const config = join(repository, "benchmarks", "exporter.yaml");

/** How often each side is measured. */
const runs = { command: 15, launch: 9, memory: 5 };
/** How many calls a client makes before memory is measured. */
const callsBeforeMemory = 200;

/** `j power on` in a shell of `jmp shell`, from the start of the process to its end. */
async function compareCommand(python: Side): Promise<Pair> {
  await using ours = await openShell(ourSide);
  await using peer = await openShell(python);
  return await alternate(runs.command, { ours: ours.measure, peer: peer.measure });
}

/** A side's client on its own exporter, with a way to time a command in its environment. */
async function openShell(side: Side): Promise<AsyncDisposable & { measure(): Promise<number> }> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await Place.open());
  const exporter = stack.use(
    await startPeerExporter(place, side, config, "plaintext", await writeCertificate(place)),
  );
  const words = [...side.jmp, "shell", "--tls-grpc", exporter.address, "--tls-grpc-insecure"];
  const session = stack.use(new Session(place, words, side.env));
  const { stdout: path } = await session.run("command -v j");
  const { stdout: variables } = await session.run("env -0");
  const env = Object.fromEntries(variables.split("\0").filter((line) => line !== "").map(splitVariable));
  const owned = stack.move();
  return {
    async measure() {
      const start = performance.now();
      const { code } = await new Deno.Command(path.trim(), { args: ["power", "on"], env, clearEnv: true }).output();
      const durationMs = performance.now() - start;
      assert.equal(code, 0);
      return durationMs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function splitVariable(line: string): [string, string] {
  const end = line.indexOf("=");
  return [line.slice(0, end), line.slice(end + 1)];
}

/** From the start of an exporter's process until a call of a driver has been answered. */
async function measureLaunch(side: Side): Promise<number> {
  await using place = await Place.open();
  const port = freePort();
  const start = performance.now();
  await using _program = startExporterAt(place, side, port);
  await accepting(port);
  await using client = await connect(`127.0.0.1:${port}`, { insecure: true });
  await client.driver("power", PowerClient).on();
  return performance.now() - start;
}

function startExporterAt(place: Place, side: Side, port: number): Program {
  const listener = ["--tls-grpc-listener", `127.0.0.1:${port}`, "--tls-grpc-insecure"];
  return new Program(place, [...side.jmp, "run", "--exporter-config", config, ...listener], { env: side.env });
}

async function accepting(port: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await shortPause();
    }
  }
}

/** What an exporter occupies after some calls of one client, which is still connected. */
async function measureMemory(side: Side): Promise<{ rssMb: number; pssMb: number }> {
  await using place = await Place.open();
  const port = freePort();
  await using _program = startExporterAt(place, side, port);
  await accepting(port);
  await using client = await connect(`127.0.0.1:${port}`, { insecure: true });
  const power = client.driver("power", PowerClient);
  for (let call = 0; call < callsBeforeMemory; call++) await power.on();
  return await residentMemory(place);
}

async function compareMemory(python: Side): Promise<{ rss: Pair; pss: Pair }> {
  const pss = { ours: [] as number[], peer: [] as number[] };
  const measure = async (side: Side, kept: number[]) => {
    const { rssMb, pssMb } = await measureMemory(side);
    kept.push(pssMb);
    return rssMb;
  };
  const rss = await alternate(runs.memory, {
    ours: () => measure(ourSide, pss.ours),
    peer: () => measure(python, pss.peer),
  });
  return { rss, pss: { ours: pss.ours.slice(1), peer: pss.peer.slice(1) } }; // the first turn does not count
}

const peer = await preparePythonPeer();
if (peer.kind === "ready") {
  const python = pythonSide(peer.venv);
  console.log(
    `Deno ${Deno.version.deno} and the Python implementation ${PEER_VERSION} on ${navigator.hardwareConcurrency} ` +
      `processors; load before: ${Deno.loadavg()[0]?.toFixed(2)}`,
  );
  const command = await compareCommand(python);
  const launch = await alternate(runs.launch, {
    ours: () => measureLaunch(ourSide),
    peer: () => measureLaunch(python),
  });
  const { rss, pss } = await compareMemory(python);
  // Smaller for a first look: `deno task bench 128`.
  const transfers = await compareTransfers(python, Number(Deno.args[0] ?? 1024) * 1024 * 1024);
  const comparisons: Comparison[] = [
    { name: "j power on", unit: "ms", pair: command, wanted: { timesFaster: 5 } },
    { name: "launch to first call", unit: "ms", pair: launch, wanted: { timesFaster: 4 } },
    { name: "memory, resident", unit: "MB", pair: rss, wanted: { share: 0.7 } },
    { name: "memory, proportional", unit: "MB", pair: pss, wanted: { share: 0.7 } },
    ...transfers,
  ];
  console.log(formatTable(comparisons));
}
