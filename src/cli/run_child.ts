import { exitCodes } from "../exit_codes.ts";
import { writeErr } from "./output.ts";

/** The signals that are passed on to the command, with how long it has to obey before it is killed. */
const passedOn: readonly Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGTERM", "SIGHUP"];
const killGraceMs = 10_000;

/**
 * Runs a command on this terminal until it ends. Answers its exit code: its own, 128+N when a signal ended it, 127
 * when there is no such command, 126 when it cannot be run.
 *
 * On a terminal the command stays in this process group, so that ctrl-C and job control reach it from there; elsewhere
 * it gets a group of its own, so that a signal to this process can be passed on to all that the command has started.
 */
export async function runChild(argv: readonly string[], env: Record<string, string>): Promise<number> {
  const [program = "", ...args] = argv;
  const isOnTerminal = Deno.stdin.isTerminal();
  // Before the command runs: a signal in between would end this process alone, and leave the command behind.
  using signals = passOnSignals(isOnTerminal);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      env,
      clearEnv: true,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      detached: !isOnTerminal,
    }).spawn();
  } catch (error) {
    return cannotRun(program, error);
  }
  signals.to(isOnTerminal ? child.pid : -child.pid);
  const { code } = await child.status;
  return code;
}

function cannotRun(program: string, error: unknown): number {
  if (error instanceof Deno.errors.NotFound) {
    writeErr(`jmp: ${program}: command not found\n`);
    return exitCodes.notFound;
  }
  writeErr(`jmp: ${program}: cannot be run: ${error instanceof Error ? error.message : String(error)}\n`);
  return exitCodes.notExecutable;
}

/** Signals for a command, which come before it is known as well as after. */
interface PassedSignals extends Disposable {
  /** Says whom they are for: a process, or a group when negative. */
  to(target: number): void;
}

/** Passes signals on to the command, and kills it when it does not obey. */
function passOnSignals(isOnTerminal: boolean): PassedSignals {
  let target: number | undefined;
  let early: Deno.Signal | undefined;
  let killTimer: ReturnType<typeof setTimeout> | undefined;
  const send = (signal: Deno.Signal) => {
    if (target === undefined) return void (early = signal);
    try {
      Deno.kill(target, signal);
    } catch {
      // It has ended already, and its status is on the way.
    }
  };
  const listeners = [...passedOn, "SIGINT" as const].map((signal) => {
    const listener = () => {
      // A terminal has sent ctrl-C to the whole group by itself; it is for the command to decide what it means.
      if (signal === "SIGINT" && isOnTerminal) return;
      send(signal);
      killTimer ??= setTimeout(() => send("SIGKILL"), killGraceMs);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    to(command) {
      target = command;
      if (early !== undefined) send(early);
    },
    [Symbol.dispose]() {
      clearTimeout(killTimer);
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
