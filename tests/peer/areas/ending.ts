/** How a session ends, and its exporter. */
import assert from "node:assert/strict";
import { connect } from "../../../mod.ts";
import type { JumpstarterError } from "../../../src/errors.ts";
import type { HookText } from "../../fixtures/exporter.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { ourOptions, writeBenchConfig } from "../support/column.ts";
import { startPeerExporter } from "../support/peer_exporter.ts";
import { hookWithoutPassphrase } from "./beginning.ts";

/** An afterLease that switches the power off. */
export const afterLease: HookText = {
  script: 'echo "afterLease says so"; j power off; echo "j in afterLease ended with $?"\n',
  timeout: 60,
};

/** The last area of the matrix: after it neither the session nor the exporter is there. */
export const ending = defineArea({
  name: "ending",
  open: () => Promise.resolve({ hooks: { afterLease } }),
  rows: [
    { name: "EndSession, and the next client", remark: lastSession, run: endSession },
    { name: "the command's own exit code", run: async ({ session }) => assert.equal(await session.exit(7), 7) },
    { name: "afterLease on stop, exit code 0", run: stopExporter },
    { name: "j in afterLease", notRun: hookWithoutPassphrase, run: jInAfterLease },
  ],
});

/** What release 0.9.0 does instead. */
function lastSession({ client, exporter }: Pairing): string | undefined {
  if (exporter.name === "ours") return undefined;
  const said = client.name === "Python" ? "which its client takes for a success" : "which our client says at once";
  return `the Python exporter runs no afterLease then and begins no other session, ${said}`;
}

/** Hooks that need no `j`, and a switch. */
const briefBench: Bench = {
  entries: { relay: { type: "jumpstarter_driver_power.driver.MockPower" } },
  hooks: {
    beforeLease: { script: 'echo "beforeLease says so"\n' },
    afterLease: { script: 'echo "afterLease says so"\n' },
  },
};

/** Ends the session of an exporter that is there for this alone, since that of the column has to last. */
async function endSession(cell: Cell<Bench>): Promise<void> {
  const { client, exporter, security, certificate, place } = cell;
  const config = await writeBenchConfig(place, [briefBench], "brief-bench.yaml");
  await using brief = await startPeerExporter(place, exporter, config, security, certificate);
  const answer = await endAndComeBack(cell, brief.address);
  if (exporter.name === "ours") assert.deepEqual(answer, [true, "LEASE_READY"]);
  else assert.deepEqual(answer, client.name === "Python" ? [true, "AVAILABLE"] : ["not_ready", "not_ready"]);
  if (answer[1] !== "not_ready") assert.deepEqual(await brief.switched(1), ["on"]);
  const hooks = [...brief.program.stderr.matchAll(/(\w+)Lease says so/g)].map(([, name]) => name);
  assert.deepEqual(hooks, exporter.name === "ours" ? ["before", "after", "before"] : ["before"]);
}

/** Whether one client could end the session, and what status another found, which switched the power on then. */
async function endAndComeBack({ ask, exporter, security, certificate }: Cell<Bench>, address: string) {
  return await ask({
    python: `
      import os, time
      from jumpstarter.utils.env import env
      os.environ["JUMPSTARTER_HOST"] = "${address}"
      def status(client):
          return client.portal.call(client.get_status_async).name
      with env() as first:
          while status(first) != "LEASE_READY":
              time.sleep(0.01)
          has_ended = first.portal.call(first.end_session_async)
          while ${exporter.name === "Python" ? "True" : "False"} and status(first) == "LEASE_READY":
              time.sleep(0.01)  # since its answer comes before
      with env() as next:
          next.relay.on()
          return [has_ended, status(next)]
    `,
    async ours() {
      const options = await ourOptions(security, certificate);
      const codeOf = (error: JumpstarterError) => error.code;
      await using first = await connect(address, options);
      const hasEnded = await first.endSession().then(() => true, codeOf);
      try {
        await using next = await connect(address, options);
        await next.driver("relay").call("on");
        return [hasEnded, "LEASE_READY"];
      } catch (error) {
        return [hasEnded, codeOf(error as JumpstarterError)];
      }
    },
  }) as [hasEnded: boolean | string, status: string];
}

async function stopExporter({ running: { program } }: Cell<Bench>): Promise<void> {
  const { code, stderr } = await program.stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /afterLease says so/);
}

function jInAfterLease({ running: { program } }: Cell<Bench>): Promise<void> {
  assert.match(program.stderr, /j in afterLease ended with 0/);
  assert.match(program.stderr, /power off[^]*j in afterLease/);
  return Promise.resolve();
}
