import type { ChildEnd } from "../child_end.ts";
import { ChildGroup } from "../child_group.ts";
import { guardAgainstDeath } from "../death_guard.ts";
import type { HookNotStarted, HookOutcome } from "./hook_outcome.ts";
import { OutputReader } from "./output_reader.ts";
import { type Hook, openScriptCommand, type ScriptCommand, type ScriptPlace } from "./script_command.ts";

/** The longest time that a timer can wait; a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** How long a script has to end itself after SIGTERM where nobody says, in milliseconds. */
const usualKillGraceMs = 5_000;

/** How a hook is run. */
export interface HookOptions extends ScriptPlace {
  /** The complete environment of the script; nothing is inherited. See {@linkcode hookEnvironment}. */
  env: Record<string, string>;
  /** Stops the script. */
  signal?: AbortSignal;
  /** Is given each line of the script's output, from both pipes; never called after {@linkcode runHook} is done. */
  onLine(line: string): void;
  /** How long the script has to end itself after SIGTERM, until SIGKILL: 5000 when unset. */
  killGraceMs?: number;
}

/**
 * Runs a script and says how it ended.
 *
 * The script runs in a process group of its own. When its time is over, the signal fires, or it fails, the whole
 * group is stopped, so that nothing it started still holds a serial port. When it succeeds, what it left in the
 * background stays: daemons started on purpose are a legitimate use of a hook. Such a daemon should write to a file
 * of its own, since the script's output is read until the script has ended and its pipes are quiet (250 ms, at most
 * 2 s) and nobody reads it after that. Should this program be killed, the script ends as at its time-out.
 *
 * Rejects only when `onLine` throws; the group is stopped then, too.
 */
export async function runHook(hook: Hook, options: HookOptions): Promise<HookOutcome> {
  if (options.signal?.aborted) return { kind: "interrupted", lines: [] };
  const opened = await openScriptCommand(hook, options);
  if ("reason" in opened) return opened;
  await using command = opened;
  const started = startGroup(command, hook, options);
  if ("reason" in started) return started;
  await using group = started;
  const { env, killGraceMs = usualKillGraceMs } = options;
  await using _guard = guardAgainstDeath(group.pid, { env, killGraceMs });
  return await followGroup(group, hook, options);
}

async function followGroup(group: ChildGroup, { timeoutMs }: Hook, options: HookOptions): Promise<HookOutcome> {
  const startedAt = performance.now();
  await using output = new OutputReader(group.pipes, (line) => options.onLine(line));
  const end = await Promise.race([waitForEnd(group, timeoutMs, options.signal), output.failure]);
  const durationMs = performance.now() - startedAt;
  const isOk = typeof end === "object" && end.success;
  if (isOk) group.release();
  else await group.stop();
  await output.drain();
  if (isOk) return { kind: "ok", durationMs };
  const lines = output.lastLines;
  if (end === "timedOut") return { kind: "timedOut", timeoutMs, lines };
  if (end === "interrupted") return { kind: "interrupted", lines };
  if (end.signal !== null) return { kind: "killed", signal: end.signal, lines };
  return { kind: "failed", exitCode: end.code, lines };
}

/** Waits for the script itself, the time-out or the caller's signal, whichever comes first. */
async function waitForEnd(
  group: ChildGroup,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<ChildEnd | "timedOut" | "interrupted"> {
  const { promise, resolve } = Promise.withResolvers<"timedOut" | "interrupted">();
  const timer = setTimeout(() => resolve("timedOut"), Math.min(timeoutMs, longestTimerMs));
  const interrupt = () => resolve("interrupted");
  signal?.addEventListener("abort", interrupt);
  if (signal?.aborted) interrupt();
  try {
    return await Promise.race([group.end, promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", interrupt);
  }
}

function startGroup(command: ScriptCommand, hook: Hook, options: HookOptions): ChildGroup | HookNotStarted {
  const { env, cwd, killGraceMs = usualKillGraceMs } = options;
  try {
    return ChildGroup.start(command.argv, { env, cwd, killGraceMs });
  } catch (error) {
    return { kind: "notStarted", reason: explainSpawnError(error, command.argv[0] ?? "", hook, cwd) };
  }
}

function explainSpawnError(error: unknown, program: string, { exec }: Hook, cwd: string | undefined): string {
  const message = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
  if (error instanceof Deno.errors.NotFound) {
    if (message.includes("No such cwd")) return `there is no directory "${cwd}"`;
    const isSeveralWords = typeof exec === "string" && /\s/.test(exec.trim());
    return `there is no program "${program}"${
      isSeveralWords ? " (a program and its arguments are given as a list)" : ""
    }`;
  }
  if (error instanceof Deno.errors.PermissionDenied) return `"${program}" cannot be executed: permission denied`;
  return message;
}
