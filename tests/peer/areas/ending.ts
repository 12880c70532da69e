/** How a session ends, and its exporter. */
import assert from "node:assert/strict";
import type { HookText } from "../../fixtures/exporter.ts";
import { type Bench, type Cell, defineArea } from "../support/area.ts";
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
    { name: "the command's own exit code", run: async ({ session }) => assert.equal(await session.exit(7), 7) },
    { name: "afterLease on stop, exit code 0", run: stopExporter },
    { name: "j in afterLease", notRun: hookWithoutPassphrase, run: jInAfterLease },
  ],
});

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
