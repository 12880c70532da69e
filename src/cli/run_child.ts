import { childEnd } from "../child_end.ts";
import { guardAgainstDeath } from "../death_guard.ts";
import { exitCodes } from "../exit_codes.ts";
import { pause } from "../pause.ts";
import { isWindows, onSignals, reachesChildren } from "../platform.ts";
import { missingInterpreter } from "./missing_interpreter.ts";
import { printable, writeErr } from "./output.ts";
import { keepTerminalSettings } from "./terminal_settings.ts";

/** The pause between two looks whether a group is gone. */
const lookAgainMs = 20;

/** A command to run. */
export interface ChildCommand {
  readonly argv: readonly string[];
  /** Its complete environment. */
  readonly env: Record<string, string>;
  /** What it is called in messages; its first word otherwise. */
  readonly name?: string;
}

/**
 * Runs a command on this terminal until it ends. Answers its exit code: its own, 128+N when a signal ended it, 127
 * when there is no such command, 126 when it cannot be run.
 *
 * On a terminal the command stays in this process group, so that ctrl-C and job control reach it from there; elsewhere
 * it gets a group of its own, so that a signal to this process can be passed on to all that the command has started,
 * and so that all of it ends should this process be killed. Windows has no such groups, and its signals come to all
 * programs of a console. A terminal is set again as it was.
 *
 * @param killGraceMs How long the command has to obey such a signal before it is killed.
 */
export async function runChild(command: ChildCommand, killGraceMs: number): Promise<number> {
  const { argv: [program = "", ...args], env } = command;
  const isOnTerminal = Deno.stdin.isTerminal();
  const isGroup = !isOnTerminal && !isWindows;
  using _settings = isOnTerminal ? keepTerminalSettings() : undefined;
  // Before the command runs: a signal in between would end this process alone, and leave the command behind.
  using signals = passOnSignals(isOnTerminal, killGraceMs);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      env,
      clearEnv: true,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      detached: isGroup,
    }).spawn();
  } catch (error) {
    return await cannotRun(command, error);
  }
  await using _guard = isGroup ? guardAgainstDeath(child.pid, { env, killGraceMs }) : undefined;
  signals.to(isGroup ? -child.pid : child.pid);
  const { code } = await childEnd(child);
  await signals.groupGone();
  return code;
}

async function cannotRun({ argv: [program = ""], env, name = program }: ChildCommand, error: unknown): Promise<number> {
  const isNotFound = error instanceof Deno.errors.NotFound;
  const interpreter = isNotFound ? await missingInterpreter(program, env) : undefined;
  const says = (what: string) => writeErr(`jmp: ${printable(name)}: ${what}\n`);
  if (isNotFound && interpreter === undefined) {
    says("command not found");
    return exitCodes.notFound;
  }
  const reason = error instanceof Error ? error.message : String(error);
  says(
    `cannot be run: ${interpreter === undefined ? reason : `there is no interpreter ${JSON.stringify(interpreter)}`}`,
  );
  return exitCodes.notExecutable;
}

/** Signals for a command, which come before it is known as well as after. */
interface PassedSignals extends Disposable {
  /** Says whom they are for: a process, or a group when negative. */
  to(target: number): void;
  /** Waits until the rest of the group has obeyed a signal as well, or is killed; without a signal it may stay. */
  groupGone(): Promise<void>;
}

/** Passes signals on to the command, and kills it when it does not obey. */
function passOnSignals(isOnTerminal: boolean, killGraceMs: number): PassedSignals {
  let target: number | undefined;
  let early: Deno.Signal | undefined;
  let killTimer: ReturnType<typeof setTimeout> | undefined;
  const send = (signal: Deno.Signal): boolean => {
    if (target === undefined) early = signal;
    else return reach(target, signal);
    return true;
  };
  const signals = onSignals(["SIGTERM", "SIGHUP", "SIGINT"], (signal) => {
    // What comes to the command by itself is for the command to decide on.
    if (reachesChildren(signal, isOnTerminal)) return;
    send(signal);
    killTimer ??= setTimeout(() => send("SIGKILL"), killGraceMs);
  });
  return {
    to(command) {
      target = command;
      if (early !== undefined) send(early);
    },
    async groupGone() {
      if (killTimer === undefined || target === undefined || target > 0) return;
      // Once it is killed, only what hangs inside the kernel is left.
      const deadline = performance.now() + killGraceMs + 1_000;
      while (reach(target, 0) && performance.now() < deadline) {
        await pause(lookAgainMs);
      }
    },
    [Symbol.dispose]() {
      clearTimeout(killTimer);
      signals[Symbol.dispose]();
    },
  };
}

/** Signals a process, or a group (0 only looks); says whether there is one. */
function reach(target: number, signal: Deno.Signal | 0): boolean {
  try {
    Deno.kill(target, signal);
    return true;
  } catch {
    return false; // there is none, or none that may be signalled: either way nothing can be done
  }
}
