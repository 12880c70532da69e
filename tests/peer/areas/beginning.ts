/** How a session begins: beforeLease is waited for, and the shell has what it needs. */
import assert from "node:assert/strict";
import type { HookText } from "../../fixtures/exporter.ts";
import type { Place } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { PASSPHRASE, withPassphrase, withTls } from "../support/side.ts";

/** What `beforeLease` says before it waits, and after. */
const lines = { begins: "beforeLease waits for the test", calls: "j in beforeLease ended with" } as const;

/** A beforeLease that waits until it is let go, and then switches the power on. */
export interface Gate extends Bench {
  readonly hooks: { readonly beforeLease: HookText };
  /** The file that lets it go on. */
  readonly gate: string;
  /** Lets it go on. */
  release(): Promise<void>;
}

/** The hook of this area. */
export function openGate(place: Place): Gate {
  const gate = place.path("gate");
  const script = [
    `echo "${lines.begins}"`,
    `while [ ! -e '${gate}' ]; do sleep 0.02; done`,
    `j power on; echo "${lines.calls} $?"`,
    "",
  ].join("\n");
  return { gate, hooks: { beforeLease: { script, timeout: 60 } }, release: () => Deno.writeTextFile(gate, "") };
}

/** The first area of the matrix. */
export const beginning = defineArea<Gate>({
  name: "beginning",
  open: (place) => Promise.resolve(openGate(place)),
  rows: [
    { name: "beforeLease is waited for, its lines shown", run: waitForHook },
    { name: "j in beforeLease", notRun: hookWithoutPassphrase, run: jInBeforeLease },
    { name: "the shell's environment", run: shellEnvironment },
  ],
});

/** Release 0.9.0 asks for the passphrase on its hooks' own socket, and does not tell it to them. */
export function hookWithoutPassphrase({ exporter, security }: Pairing): string | undefined {
  if (exporter.name === "ours" || !withPassphrase(security)) return undefined;
  return "the Python exporter refuses the j of its own hooks when it has a passphrase";
}

async function waitForHook({ client, place, session, bench }: Cell<Gate>): Promise<void> {
  // The client can begin only when the hook has ended, so at its first command the gate must be open.
  const first = session.run(`test -e '${bench.gate}'`);
  const shown = client.name === "Python" // which logs on stdout
    ? session.client.seeOut(lines.begins)
    : session.client.seeErr(lines.begins);
  await Promise.race([shown, first]); // a client that does not wait fails here, and not by a time-out
  // Its whole start takes longer than what a client that did not wait still had to do.
  await using yardstick = new Program(place, [...client.jmp, "shell", "--help"], { env: client.env });
  await yardstick.ended();
  await bench.release();
  const { code } = await first;
  await shown;
  assert.equal(code, 0, "a command ran before the hook had ended");
}

async function jInBeforeLease({ client, running, session }: Cell<Gate>): Promise<void> {
  assert.deepEqual(await running.switched(1), ["on"]);
  const line = `${lines.calls} 0`;
  await (client.name === "Python" ? session.client.seeOut(line) : session.client.seeErr(line));
}

async function shellEnvironment({ session, running, security }: Cell<Gate>): Promise<void> {
  const { stdout } = await session.run("env");
  const env = new Map(stdout.split("\n").map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]));
  assert.equal(env.get("JUMPSTARTER_HOST"), running.address);
  assert.equal(env.get("JMP_DRIVERS_ALLOW"), "UNSAFE");
  assert.equal(env.get("JMP_GRPC_INSECURE"), withTls(security) ? undefined : "1");
  assert.equal(env.get("JMP_GRPC_PASSPHRASE"), withPassphrase(security) ? PASSPHRASE : undefined);
}
