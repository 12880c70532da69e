/**
 * Connects to an exporter elsewhere, as `jmp`'s options say, and settles with the person at the terminal what they
 * leave open: whether a certificate that nobody vouches for is the exporter's, and the passphrase.
 */
import { join } from "node:path";
import { openChannel, waitUntilUp } from "../client/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { homeDir } from "../platform.ts";
import { formatAddress } from "../address.ts";
import { type Channel, type TlsRefusal, tlsRefusal } from "../rpc/mod.ts";
import { knownExporter, rememberExporter, stateDir } from "../trust/mod.ts";
import { askLine, askSecret, canAsk } from "./ask.ts";
import { type Connection, type Env, remoteConnection, type RemoteOptions } from "./connection_options.ts";
import { optionTerms } from "./connection_terms.ts";
import { printable, writeErr } from "./output.ts";

/** An exporter elsewhere that has answered. */
export interface Remote extends Disposable {
  readonly connection: Connection;
  readonly channel: Channel;
}

/** How to wait for it, in milliseconds. */
export interface RemoteWaiting {
  /** How long for an exporter that is not up yet; not at all without it. */
  wait?: number;
  /** How long until it is ready, which bounds how long a silent server is given, too. */
  readyTimeout?: number;
}

/** How often a passphrase is asked for. */
const maxAttempts = 3;

/** How long nothing is said of an exporter that is waited for, in milliseconds. */
export const silentMs = 2_000;

/**
 * Connects, and answers once the exporter has.
 *
 * @throws {JumpstarterError} what is wrong with the options or with the connection.
 */
export async function openRemote(options: RemoteOptions, env: Env, waiting: RemoteWaiting = {}): Promise<Remote> {
  let connection = await remoteConnection(options, env);
  const known = await lookUp(connection, options, env);
  const settled = known === undefined ? { ...options } : { ...options, tlsFingerprint: known.fingerprint };
  if (known !== undefined) connection = await remoteConnection(settled, env);
  for (let attempts = 0;;) {
    try {
      return await connectOnce(connection, waiting);
    } catch (error) {
      const refusal = tlsRefusal(error);
      if (refusal?.kind === "mismatch" && known !== undefined) throw hasChanged(connection, refusal, known, error);
      if (refusal?.kind === "untrusted" && isOpen(connection, settled)) {
        settled.tlsFingerprint = await askForTrust(connection, refusal, options, env, error);
      } else if (error instanceof JumpstarterError && error.code === "unauthenticated" && isMissing(options, env)) {
        if (!canAsk() || attempts >= maxAttempts) throw error;
        if (attempts++ > 0) writeErr("That is not it\n");
        settled.passphrase = await askForPassphrase(connection, error);
      } else throw error;
      connection = await remoteConnection(settled, env);
    }
  }
}

async function connectOnce(connection: Connection, { wait, readyTimeout }: RemoteWaiting): Promise<Remote> {
  const { address, options } = connection;
  const channel = openChannel(address, { ...options, readyTimeoutMs: readyTimeout }, optionTerms);
  const where = formatAddress(address);
  const most = `up to ${channel.connectTimeoutMs / 1_000} s`;
  const slow = setTimeout(() => writeErr(`Waiting for the exporter at ${where} to answer (${most})\n`), silentMs);
  const onWaiting = (reason: string) => {
    clearTimeout(slow);
    writeErr(`Waiting for an exporter at ${where}: ${printable(reason)}\n`);
  };
  try {
    await waitUntilUp(channel, wait === undefined ? { timeoutMs: 0 } : { timeoutMs: wait, onWaiting });
  } catch (error) {
    channel[Symbol.dispose]();
    throw error;
  } finally {
    clearTimeout(slow);
  }
  return { connection, channel, [Symbol.dispose]: () => channel[Symbol.dispose]() };
}

/** Whether nothing says which certificate to trust, but for the machine's authorities. */
function isOpen({ address, options }: Connection, { tlsFingerprint }: RemoteOptions): boolean {
  return address.kind === "tcp" && !options.insecure && options.tlsCa === undefined && tlsFingerprint === undefined &&
    options.tlsFingerprint === undefined;
}

/** Whether no passphrase was given that could be wrong. */
function isMissing({ passphrase, passphraseFile }: RemoteOptions, env: Env): boolean {
  return passphrase === undefined && passphraseFile === undefined && env.JMP_GRPC_PASSPHRASE === undefined;
}

/** What the user's file says of an exporter, where nothing else does. */
async function lookUp(connection: Connection, options: RemoteOptions, env: Env) {
  if (!isOpen(connection, options)) return undefined;
  const file = options.knownExporters ?? defaultFile(env);
  return file === undefined ? undefined : await knownExporter(file, formatAddress(connection.address));
}

/** Who has no home can know no exporter. */
function defaultFile(env: Env): string | undefined {
  return env.XDG_STATE_HOME || homeDir(env) ? join(stateDir(env), "known_exporters") : undefined;
}

function hasChanged(
  { address }: Connection,
  { fingerprints }: TlsRefusal,
  { fingerprint, place }: { fingerprint: string; place: string },
  cause: unknown,
): JumpstarterError {
  const where = formatAddress(address);
  return new JumpstarterError(
    "connect",
    `REFUSED, SINCE THE EXPORTER AT ${where} HAS CHANGED: its key has the fingerprint ${fingerprints.key}, and ${place} ` +
      `knows it by ${fingerprint}`,
    { hint: "somebody may be in between; when you know why it changed, remove that line and connect anew", cause },
  );
}

/** Asks whether a certificate is the exporter's; answers the fingerprint of its key, which is known from then on. */
async function askForTrust(
  { address }: Connection,
  { fingerprints }: TlsRefusal,
  { knownExporters }: RemoteOptions,
  env: Env,
  error: unknown,
): Promise<string> {
  if (!canAsk()) throw error;
  const where = formatAddress(address);
  writeErr(
    `The exporter at ${where} is not known here, and nobody whom this machine trusts vouches for its certificate.\n` +
      `Its fingerprint is ${fingerprints.certificate}\n`,
  );
  const question = "Is that what the exporter printed when it started? It is trusted from then on [yes/no]: ";
  let answer = await askLine(question);
  while (answer !== undefined && !/^(?:yes|no)?$/i.test(answer)) answer = await askLine("Type yes or no: ");
  if (answer?.toLowerCase() !== "yes") throw error;
  const file = knownExporters ?? join(stateDir(env), "known_exporters");
  await rememberExporter(file, where, fingerprints.key);
  return fingerprints.key;
}

async function askForPassphrase({ address }: Connection, error: unknown): Promise<string> {
  const answer = await askSecret(`Passphrase of the exporter at ${formatAddress(address)}: `);
  if (answer === undefined || answer === "") throw error;
  return answer;
}
