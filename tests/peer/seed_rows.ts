/** The rows of the matrix: what a client must see of an exporter, whoever made either. */
import assert from "node:assert/strict";
import type { Place } from "../fixtures/place.ts";
import { Program } from "../fixtures/program.ts";
import { HOOK_LINES, type SeedBench } from "./seed_bench.ts";
import type { PeerExporter } from "./support/peer_exporter.ts";
import type { Session } from "./support/session.ts";
import {
  type CertificateFiles,
  clientEnv,
  clientOptions,
  PASSPHRASE,
  type Security,
  type Side,
} from "./support/side.ts";

/** Who talks to whom, and how. */
export interface Pairing {
  readonly client: Side;
  readonly exporter: Side;
  readonly security: Security;
}

/** A pairing that runs. */
export interface RunningPair extends Pairing {
  readonly place: Place;
  readonly certificate: CertificateFiles;
  readonly bench: SeedBench;
  readonly running: PeerExporter;
  readonly session: Session;
}

/** One row. The rows of a pairing run in their order, on one exporter and in one session. */
export interface Row {
  readonly name: string;
  /** Why this pairing cannot be held to it. */
  readonly notRun?: (pairing: Pairing) => string | undefined;
  readonly run: (pair: RunningPair) => Promise<void>;
}

export const seedRows: readonly Row[] = [
  { name: "beforeLease is waited for, its lines shown", run: waitForHook },
  { name: "j in beforeLease", notRun: hookWithoutPassphrase, run: jInBeforeLease },
  { name: "the shell's environment", run: shellEnvironment },
  { name: "power on", run: (pair) => switchPower(pair, "j power on", ["on"]) },
  { name: "power off", run: (pair) => switchPower(pair, "j power off", ["off"]) },
  { name: "power cycle", run: (pair) => switchPower(pair, "j power cycle --wait 0", ["off", "on"]) },
  { name: "power read", run: readPower },
  { name: "nested composites", run: (pair) => switchPower(pair, "j bench board supply on", ["on"]) },
  { name: "a ref to a switch", run: (pair) => switchPower(pair, "j spare off", ["off"]) },
  { name: "a ref to a group", run: (pair) => switchPower(pair, "j again supply on", ["on"]) },
  { name: "the help lists the devices", run: listDevices },
  { name: "descriptions from the config", run: showDescriptions },
  { name: "an unknown command fails", run: unknownCommand },
  { name: "TLS and plaintext do not mix", run: wrongTransport },
  { name: "a wrong passphrase is refused", notRun: withoutPassphrase, run: (pair) => refused(pair, "not-it-at-all") },
  { name: "a missing passphrase is refused", notRun: withoutPassphrase, run: (pair) => refused(pair, undefined) },
  { name: "the command's own exit code", run: async ({ session }) => assert.equal(await session.exit(7), 7) },
  { name: "afterLease on stop, exit code 0", run: stopExporter },
  { name: "j in afterLease", notRun: hookWithoutPassphrase, run: jInAfterLease },
];

/** Release 0.9.0 asks for the passphrase on its hooks' own socket, and does not tell it to them. */
function hookWithoutPassphrase({ exporter, security }: Pairing): string | undefined {
  if (exporter.name === "ours" || security !== "passphrase") return undefined;
  return "the Python exporter refuses the j of its own hooks when it has a passphrase";
}

function withoutPassphrase({ security }: Pairing): string | undefined {
  return security === "passphrase" ? undefined : "there is no passphrase in this column";
}

async function waitForHook({ client, place, session, bench }: RunningPair): Promise<void> {
  // The client can begin only when the hook has ended, so at its first command the gate must be open.
  const first = session.run(`test -e '${bench.gate}'`);
  const shown = client.name === "Python" // which logs on stdout
    ? session.client.seeOut(HOOK_LINES.begins)
    : session.client.seeErr(HOOK_LINES.begins);
  await Promise.race([shown, first]); // a client that does not wait fails here, and not by a time-out
  // Its whole start takes longer than what a client that did not wait still had to do.
  await using yardstick = new Program(place, [...client.jmp, "shell", "--help"], { env: client.env });
  await yardstick.ended();
  await bench.release();
  const { code } = await first;
  await shown;
  assert.equal(code, 0, "a command ran before the hook had ended");
}

async function jInBeforeLease({ client, running, session }: RunningPair): Promise<void> {
  assert.deepEqual(await running.switched(1), ["on"]);
  const line = `${HOOK_LINES.calls} 0`;
  await (client.name === "Python" ? session.client.seeOut(line) : session.client.seeErr(line));
}

async function shellEnvironment({ session, running, security }: RunningPair): Promise<void> {
  const { stdout } = await session.run("env");
  const env = new Map(stdout.split("\n").map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]));
  assert.equal(env.get("JUMPSTARTER_HOST"), running.address);
  assert.equal(env.get("JMP_DRIVERS_ALLOW"), "UNSAFE");
  assert.equal(env.get("JMP_GRPC_INSECURE"), security === "TLS" ? undefined : "1");
  assert.equal(env.get("JMP_GRPC_PASSPHRASE"), security === "passphrase" ? PASSPHRASE : undefined);
}

/** Runs a command, and looks in the exporter's own log for what it did. */
async function switchPower({ session, running }: RunningPair, command: string, expected: string[]): Promise<void> {
  const before = (await running.switched(0)).length;
  const { code, stderr } = await session.run(command);
  assert.equal(code, 0, stderr);
  assert.deepEqual((await running.switched(before + expected.length)).slice(before), expected);
}

const readings: Readonly<Record<Side["name"], string>> = {
  Python: "voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\nvoltage=5.0 V  current=2.0 A  apparent_power=10.0 VA\n",
  ours: "0 V  0 A  0 W\n5 V  2 A  10 W\n",
};

async function readPower({ client, session }: RunningPair): Promise<void> {
  const { code, stdout, stderr } = await session.run("j power read -n 2 -i 0.01");
  assert.equal(code, 0, stderr);
  assert.equal(stdout, readings[client.name].repeat(2));
}

async function listDevices({ session }: RunningPair): Promise<void> {
  const { code, stdout } = await session.run("j --help");
  assert.equal(code, 0);
  for (const name of ["power", "bench", "spare", "again"]) assert.match(stdout, new RegExp(`^ +${name} `, "m"));
}

async function showDescriptions({ session }: RunningPair): Promise<void> {
  const { code, stdout } = await session.run("j power --help");
  assert.equal(code, 0);
  assert.match(stdout, /^ *The main switch$/m);
  assert.match(stdout, /^ +on +Give the board power$/m);
  assert.match(stdout, /^ +read\b.*\w/m);
}

async function unknownCommand({ client, session }: RunningPair): Promise<void> {
  const { code, stdout, stderr } = await session.run("j power nosuch");
  assert.equal(code, client.name === "Python" ? 1 : 2);
  assert.equal(stdout, "");
  assert.match(stderr, /nosuch/);
}

async function wrongTransport(pair: RunningPair): Promise<void> {
  const options = pair.security === "TLS" ? ["--tls-grpc-insecure"] : [];
  await failToConnect(pair, options, 4);
}

async function refused(pair: RunningPair, passphrase: string | undefined): Promise<void> {
  const { program } = pair.running;
  const seen = program.stderr.length;
  await failToConnect(
    pair,
    ["--tls-grpc-insecure", ...(passphrase === undefined ? [] : ["--passphrase", passphrase])],
    5,
  );
  assert.match(program.stderr.slice(seen), /authentication failed: invalid or missing passphrase/);
  for (const secret of [PASSPHRASE, ...(passphrase === undefined ? [] : [passphrase])]) {
    assert.ok(!program.stderr.includes(secret), "a passphrase stands in the exporter's log");
  }
}

/** A client that cannot connect ends with a code of its own, and runs nothing. */
async function failToConnect(pair: RunningPair, options: readonly string[], ourCode: number): Promise<void> {
  const { client, security, certificate, place, running } = pair;
  const words = [...client.jmp, "shell", "--tls-grpc", running.address, ...options, "--", "echo", "it ran"];
  await using program = new Program(place, words, { env: clientEnv(client, security, certificate) });
  const { code, stdout, stderr } = await program.ended();
  assert.equal(code, client.name === "Python" ? 1 : ourCode, stderr);
  assert.doesNotMatch(stdout, /it ran/);
  assert.notEqual(stderr, "");
}

async function stopExporter({ running: { program } }: RunningPair): Promise<void> {
  const { code, stderr } = await program.stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /afterLease says so/);
}

function jInAfterLease({ running: { program } }: RunningPair): Promise<void> {
  assert.match(program.stderr, /j in afterLease ended with 0/);
  assert.match(program.stderr, /power off[^]*j in afterLease/);
  return Promise.resolve();
}

/** The words that start a client's session. */
export function sessionWords({ client, security }: Pairing, address: string, certificate: CertificateFiles): string[] {
  return [...client.jmp, "shell", "--tls-grpc", address, ...clientOptions(client, security, certificate)];
}
