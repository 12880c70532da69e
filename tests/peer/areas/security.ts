/** Who is let in. */
import assert from "node:assert/strict";
import { Program } from "../../fixtures/program.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { clientEnv, clientOptions, PASSPHRASE, withPassphrase, withTls } from "../support/side.ts";

/** Transports that do not fit, and passphrases that are not the one. */
export const security = defineArea({
  name: "security",
  open: () => Promise.resolve({}),
  rows: [
    { name: "TLS and plaintext do not mix", run: wrongTransport },
    { name: "a wrong passphrase is refused", notRun: withoutPassphrase, run: (cell) => refused(cell, "not-it-at-all") },
    { name: "a missing passphrase is refused", notRun: withoutPassphrase, run: (cell) => refused(cell, undefined) },
  ],
});

function withoutPassphrase({ security }: Pairing): string | undefined {
  return withPassphrase(security) ? undefined : "there is no passphrase in this column";
}

async function wrongTransport(cell: Cell<Bench>): Promise<void> {
  const options = withTls(cell.security) ? ["--tls-grpc-insecure"] : [];
  await failToConnect(cell, options, 4);
}

async function refused(cell: Cell<Bench>, passphrase: string | undefined): Promise<void> {
  const { client, certificate, running: { program } } = cell;
  const seen = program.stderr.length;
  const transport = clientOptions(client, withTls(cell.security) ? "TLS" : "plaintext", certificate);
  await failToConnect(cell, [...transport, ...(passphrase === undefined ? [] : ["--passphrase", passphrase])], 5);
  assert.match(program.stderr.slice(seen), /authentication failed: invalid or missing passphrase/);
  for (const secret of [PASSPHRASE, ...(passphrase === undefined ? [] : [passphrase])]) {
    assert.ok(!program.stderr.includes(secret), "a passphrase stands in the exporter's log");
  }
}

/** A client that cannot connect ends with a code of its own, and runs nothing. */
async function failToConnect(cell: Cell<Bench>, options: readonly string[], ourCode: number): Promise<void> {
  const { client, security, certificate, place, running } = cell;
  const words = [...client.jmp, "shell", "--tls-grpc", running.address, ...options, "--", "echo", "it ran"];
  await using program = new Program(place, words, { env: clientEnv(client, security, certificate) });
  const { code, stdout, stderr } = await program.ended();
  assert.equal(code, client.name === "Python" ? 1 : ourCode, stderr);
  assert.doesNotMatch(stdout, /it ran/);
  assert.notEqual(stderr, "");
}
