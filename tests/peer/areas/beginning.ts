/** How a session begins: beforeLease is waited for, and the shell has what it needs. */
import assert from "node:assert/strict";
import * as pb from "../../../proto/mod.ts";
import type { JumpstarterError } from "../../../src/errors.ts";
import type { HookText } from "../../fixtures/exporter.ts";
import type { Place } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { PASSPHRASE, withPassphrase, withTls } from "../support/side.ts";

/** What `beforeLease` says before it waits, and after; and what the exporter says to everybody. */
const lines = {
  begins: "beforeLease waits for the test",
  calls: "j in beforeLease ended with",
  motd: "be gentle with the board",
} as const;

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

/** A device that can be called without a trace. */
const early = { type: "jumpstarter_driver_shell.driver.Shell", config: { methods: { greet: "echo hello" } } };

/** The first area of the matrix. */
export const beginning = defineArea<Gate>({
  name: "beginning",
  open: (place) => Promise.resolve({ ...openGate(place), entries: { early }, motd: lines.motd }),
  rows: [
    { name: "devices are the hook's alone while it runs", remark: everybody, run: callMeanwhile },
    { name: "beforeLease is waited for, its lines shown", run: waitForHook },
    { name: "j in beforeLease", notRun: hookWithoutPassphrase, run: jInBeforeLease },
    { name: "the shell's environment", run: shellEnvironment },
    { name: "the message of the day", notRun: withoutMessage, run: messageOfTheDay },
  ],
});

/** Release 0.9.0 asks for the passphrase on its hooks' own socket, and does not tell it to them. */
export function hookWithoutPassphrase({ exporter, security }: Pairing): string | undefined {
  if (exporter.name === "ours" || !withPassphrase(security)) return undefined;
  return "the Python exporter refuses the j of its own hooks when it has a passphrase";
}

/** What release 0.9.0 means to refuse, and does not. */
function everybody({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python"
    ? "the Python exporter lets everybody call its devices while a hook runs"
    : undefined;
}

function withoutMessage({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python" ? "the Python exporter has no message of the day" : undefined;
}

/** What the client of the session shows of the hook. Python's logs on stdout. */
function seeHook({ client, session }: Cell<Gate>, line: string): Promise<unknown> {
  return client.name === "Python" ? session.client.seeOut(line) : session.client.seeErr(line);
}

async function callMeanwhile(cell: Cell<Gate>): Promise<void> {
  const { ask, client, exporter } = cell;
  await seeHook(cell, lines.begins);
  const answer = await ask({
    python: `
      from jumpstarter_protocol import jumpstarter_pb2
      request = jumpstarter_pb2.DriverCallRequest(uuid=str(client.early.uuid), method="get_methods")
      async def call():
          try:
              await client.stub.DriverCall(request)
          except Exception as error:
              return error.code().name
      return client.portal.call(call)
    `,
    async raw(channel) {
      const { getReport, driverCall } = pb.ExporterService.method;
      const { reports } = await channel.unary(getReport, {});
      const early = reports.find(({ labels }) => labels["jumpstarter.dev/name"] === "early") ?? assert.fail();
      return await channel.unary(driverCall, { uuid: early.uuid, method: "get_methods" })
        .then(() => null, ({ code }: JumpstarterError) => code);
    },
  });
  const refusal = client.name === "Python" ? "FAILED_PRECONDITION" : "not_ready";
  assert.equal(answer, exporter.name === "Python" ? null : refusal);
}

/** It is not there for a client of release 0.9.0, which is none the worse for it. */
async function messageOfTheDay({ ask, client }: Cell<Gate>): Promise<void> {
  const answer = await ask({
    python: `
      from google.protobuf import empty_pb2
      async def report():
          return await client.stub.GetReport(empty_pb2.Empty())
      return client.portal.call(report).SerializeToString().decode(errors="replace")
    `,
    ours: ({ motd }) => motd,
  });
  if (client.name === "Python") assert.ok(String(answer).includes(lines.motd));
  else assert.equal(answer, lines.motd);
}

async function waitForHook(cell: Cell<Gate>): Promise<void> {
  const { client, place, session, bench } = cell;
  // The client can begin only when the hook has ended, so at its first command the gate must be open.
  const first = session.run(`test -e '${bench.gate}'`);
  const shown = seeHook(cell, lines.begins);
  await Promise.race([shown, first]); // a client that does not wait fails here, and not by a time-out
  // Its whole start takes longer than what a client that did not wait still had to do.
  await using yardstick = new Program(place, [...client.jmp, "shell", "--help"], { env: client.env });
  await yardstick.ended();
  await bench.release();
  const { code } = await first;
  await shown;
  assert.equal(code, 0, "a command ran before the hook had ended");
}

async function jInBeforeLease(cell: Cell<Gate>): Promise<void> {
  assert.deepEqual(await cell.running.switched(1), ["on"]);
  await seeHook(cell, `${lines.calls} 0`);
}

async function shellEnvironment({ session, running, security }: Cell<Gate>): Promise<void> {
  const { stdout } = await session.run("env");
  const env = new Map(stdout.split("\n").map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]));
  assert.equal(env.get("JUMPSTARTER_HOST"), running.address);
  assert.equal(env.get("JMP_DRIVERS_ALLOW"), "UNSAFE");
  assert.equal(env.get("JMP_GRPC_INSECURE"), withTls(security) ? undefined : "1");
  assert.equal(env.get("JMP_GRPC_PASSPHRASE"), withPassphrase(security) ? PASSPHRASE : undefined);
}
