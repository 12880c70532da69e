import { join } from "node:path";
import { type Exporter, type ExporterStatusUpdate, openChannel, openExporter, waitReady } from "../client/mod.ts";
import { withBinDir } from "../child_path.ts";
import * as names from "../env.ts";
import { HookError, JumpstarterError } from "../errors.ts";
import { placeShims } from "../hooks/mod.ts";
import { Logger } from "../log.ts";
import { isWindows } from "../platform.ts";
import { openPrivateTempDir } from "../private_files.ts";
import { formatAddress } from "../address.ts";
import type { Channel } from "../rpc/mod.ts";
import { type Connection, definedOnly, type Env, namedOptions, type RemoteOptions } from "./connection_options.ts";
import { exitCodes } from "../exit_codes.ts";
import { interactiveShell } from "./interactive_shell.ts";
import { howToHold } from "./how_to_hold.ts";
import { type ExporterLog, followExporterLogs, showExporterLog } from "./follow_exporter_logs.ts";
import type { MainOptions } from "./main_options.ts";
import { openRemote, silentMs } from "./open_remote.ts";
import { printable, printableLines, terminalLog, writeErr } from "./output.ts";
import { logLevel } from "./program.ts";
import { type ChildCommand, runChild } from "./run_child.ts";
import { serveJ } from "./serve_j.ts";
import { logStrayFaults } from "./stray_faults.ts";
import { tidyUp } from "./tidy_up.ts";

/** The options of `jmp shell`, as commander names them. */
export interface ShellOptions extends RemoteOptions {
  exporterConfig?: string;
  exporter?: string;
  exporterLogs?: boolean;
  /** In milliseconds, as all of them. */
  readyTimeout: number;
  commandKillGrace: number;
  callGrace?: number;
  hookKillGrace?: number;
  wait?: number;
  exclusive?: boolean;
  steal?: boolean;
  logLevel?: string;
  verbose?: boolean;
}

/** Runs a command, or an interactive shell, with an exporter at hand; answers the exit code. */
export async function jmpShell(words: string[], options: ShellOptions, main: MainOptions): Promise<number> {
  const begun = Date.now();
  const isLocal = options.exporterConfig !== undefined || options.exporter !== undefined;
  checkOptions(options, isLocal);
  const log = showExporterLog({
    least: options.exporterLogs ? logLevel(options, "INFO") : undefined,
    isInHook: main.env[names.LEASE_NAME] !== undefined,
  });
  if (isLocal) return await localShell(words, log, options, main);
  // What a command of j leaves behind in this process is no reason to end the shell.
  using _faults = logStrayFaults(new Logger(terminalLog("ERROR", "text")));
  using remote = await openRemote(options, main.env, options);
  const { connection, channel } = remote;
  const where = formatAddress(connection.address);
  try {
    await using _following = followExporterLogs(channel, where, log.sink);
    return await shellAt(
      words,
      {
        connection,
        channel,
        runCommand: (command) => runChild(command, options.commandKillGrace),
        begun,
      },
      options,
      main,
    );
  } catch (error) {
    throw withLastLine(error, log); // now that the last line has come
  }
}

/** The same with an exporter in this process; its hooks run before and after. */
async function localShell(words: string[], log: ExporterLog, options: ShellOptions, main: MainOptions) {
  const { serveLocally } = await import("./serve_locally.ts"); // the exporter half is only for this
  await using local = await serveLocally(options, main, log.sink);
  const { address, signals } = local;
  const connection = { address, options: {}, env: { [names.JUMPSTARTER_HOST]: address.path } };
  const runCommand = (command: ChildCommand) => signals.whileCommand(() => runChild(command, options.commandKillGrace));
  let exitCode: number;
  try {
    // It is closed before the exporter stops, which would wait for this client to read how that ended.
    using channel = openChannel(address);
    exitCode = await shellAt(
      words,
      { connection, channel, runCommand, begun: Date.now(), signal: signals.stopping },
      options,
      main,
    );
  } catch (error) {
    const end = await local.stop();
    if (signals.exitCode !== undefined) return signals.exitCode;
    // An exporter that has ended cannot be asked any more, so the connection's own failure says nothing.
    throw withLastLine(end.kind === "hookFailed" ? new HookError(end.reason, []) : error, log);
  }
  const end = await local.stop();
  return end.kind === "hookFailed" ? exitCodes.hook : exitCode;
}

function checkOptions(options: ShellOptions, isLocal: boolean): void {
  const refuse = (message: string, hint: string) => new JumpstarterError("usage", message, { hint });
  if (options.tlsGrpc === undefined && !isLocal) {
    throw refuse("No exporter was named", "give --tls-grpc HOST:PORT, or --exporter-config FILE to serve one here");
  }
  if (options.tlsGrpc !== undefined && isLocal) {
    throw refuse("--tls-grpc and --exporter-config both name an exporter", "give one");
  }
  const [remote] = remoteOnly(options);
  if (isLocal && remote !== undefined) {
    throw refuse(`${remote} goes with --tls-grpc`, "leave it out: a config is served on a private socket");
  }
  const grace = options.callGrace !== undefined ? "--call-grace" : "--hook-kill-grace";
  if (!isLocal && (options.callGrace ?? options.hookKillGrace) !== undefined) {
    throw refuse(`${grace} goes with --exporter-config`, "leave it out: it is the exporter that waits");
  }
}

/** The options that only an exporter elsewhere has a use for. */
function remoteOnly(options: ShellOptions): string[] {
  return [
    ...(options.tlsGrpcInsecure ? ["--tls-grpc-insecure"] : []),
    ...namedOptions(options),
    ...(options.passphrase === undefined ? [] : ["--passphrase"]),
    ...(options.passphraseFile === undefined ? [] : ["--passphrase-file"]),
    ...(options.connectTimeout === undefined ? [] : ["--connect-timeout"]),
    ...(options.wait === undefined ? [] : ["--wait"]),
    ...(options.exclusive ? ["--exclusive"] : []),
    ...(options.steal ? ["--steal"] : []),
  ];
}

/** What a shell reaches its exporter by. */
interface Reached {
  readonly connection: Connection;
  readonly channel: Channel;
  readonly runCommand: (command: ChildCommand) => Promise<number>;
  /** When the shell was started. */
  readonly begun: number;
  /** Gives up waiting when it fires. */
  readonly signal?: AbortSignal;
}

async function shellAt(
  words: string[],
  { connection: { address, env: outward }, channel, runCommand, begun, signal }: Reached,
  options: ShellOptions,
  { env, packages, launcher, program }: MainOptions,
): Promise<number> {
  await ready(channel, options, signal);
  const exporter = await openExporter(channel, packages, { exclusive: howToHold(options, begun, env) });
  const inward = { ...outward, ...(exporter.holdToken && { [names.JMP_HOLD]: exporter.holdToken }) };
  if (words.length === 0 && exporter.motd !== "") writeErr(`${printableLines(exporter.motd)}\n`);
  const warn = (line: string) => writeErr(`jmp: ${printable(line)}\n`);
  await using dir = await openPrivateTempDir("shell-");
  const ownBinDir = join(dir.path, "bin");
  await Deno.mkdir(ownBinDir, { mode: 0o700 });
  await using shims = await placeShims(ownBinDir, launcher, warn);
  await using agent = await serveJ({ dir: dir.path, env: inward, packages, program, warn });
  const childEnv = { ...shellEnv(env, shims.binDir), ...inward, ...exporterEnv(exporter), ...agent.env };
  const run = async (command: ChildCommand) => {
    const [exitCode] = await Promise.all([runCommand(command), tidyUp()]);
    return exitCode;
  };
  if (words.length > 0) return await run({ argv: words, env: childEnv });
  const name = exporter.name || formatAddress(address);
  const usual = usersShell(env);
  const shell = interactiveShell(usual.path, name, dir.path, shims.binDir);
  for (const [path, text] of Object.entries(shell.files)) await Deno.writeTextFile(path, text, { mode: 0o600 });
  return await run({ argv: shell.argv, env: { ...childEnv, ...shell.env }, name: usual.name });
}

/** The shell that the user has chosen, with what it is called in messages, or the system's own. */
function usersShell({ SHELL, COMSPEC }: Env): { path: string; name?: string } {
  const [variable, chosen, own] = isWindows ? ["COMSPEC", COMSPEC, "cmd.exe"] : ["SHELL", SHELL, "/bin/sh"];
  return chosen ? { path: chosen, name: `${variable}=${chosen}` } : { path: own };
}

/** Waits for the exporter, and says so only when that takes a while. */
async function ready(channel: Channel, { readyTimeout }: ShellOptions, signal?: AbortSignal) {
  let slow: ReturnType<typeof setTimeout> | undefined;
  const onStatus = ({ status, message }: ExporterStatusUpdate) => {
    clearTimeout(slow);
    slow = setTimeout(() => writeErr(`Waiting for the exporter: ${printable(message || status)}\n`), silentMs);
  };
  const waiting = waitReady(channel, { timeoutMs: readyTimeout, signal, onStatus });
  const warning = await waiting.finally(() => clearTimeout(slow));
  if (warning !== undefined) writeErr(`Warning: ${printable(warning)}\n`);
}

/** The failure of a hook with the last line that it printed, as far as that has come. */
function withLastLine(error: unknown, { lastHookLines }: ExporterLog): unknown {
  if (!(error instanceof HookError)) return error;
  const last = lastHookLines.at(-1);
  return new HookError(error.message, lastHookLines, {
    hint: last === undefined ? undefined : `its last line was: ${last}`,
    cause: error,
  });
}

/** The environment of the shell, without what would lead `j` to another exporter, and with `j` first on PATH. */
function shellEnv(env: Env, binDir: string): Record<string, string> {
  const outer = Object.entries(definedOnly(env)).filter(([name]) =>
    !name.startsWith("JMP_GRPC_") &&
    ![names.JUMPSTARTER_GRPC_INSECURE, names.JMP_AGENT, names.JMP_HOLD, names.JMP_LEASE].includes(name)
  );
  return withBinDir(Object.fromEntries(outer), binDir);
}

function exporterEnv({ name, labels }: Exporter): Record<string, string> {
  const own = Object.entries(labels).filter(([key]) => !key.startsWith("jumpstarter.dev/"));
  return {
    [names.JMP_DRIVERS_ALLOW]: "UNSAFE",
    [names.JMP_EXPORTER]: name,
    [names.JMP_EXPORTER_LABELS]: own.map(([key, value]) => `${key}=${value}`).join(","),
  };
}
