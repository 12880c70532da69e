/** How a hook ended. Every one of these is expected, and none of them is thrown. */
export type HookOutcome =
  | HookOk
  | HookFailed
  | HookKilled
  | HookTimedOut
  | HookInterrupted
  | HookNotStarted;

/** The script ended with exit code 0. What it left in the background is still running. */
export interface HookOk {
  /** Which outcome this is. */
  kind: "ok";
  /** How long the script ran. */
  durationMs: number;
}

/** The script ended with another exit code. */
export interface HookFailed {
  /** Which outcome this is. */
  kind: "failed";
  /** The exit code, never 0. */
  exitCode: number;
  /** The last lines of its output, oldest first. */
  lines: readonly string[];
}

/** The script died by a signal that this program did not send. */
export interface HookKilled {
  /** Which outcome this is. */
  kind: "killed";
  /** The signal's name, or `signal N` where Deno knows none. */
  signal: string;
  /** The last lines of its output, oldest first. */
  lines: readonly string[];
}

/** The script ran for too long and was stopped. */
export interface HookTimedOut {
  /** Which outcome this is. */
  kind: "timedOut";
  /** How long it was allowed to run. */
  timeoutMs: number;
  /** The last lines of its output, oldest first. */
  lines: readonly string[];
}

/** The caller's signal fired, and the script was stopped (or not even started). */
export interface HookInterrupted {
  /** Which outcome this is. */
  kind: "interrupted";
  /** The last lines of its output, oldest first. */
  lines: readonly string[];
}

/** The script never ran: no such interpreter, no such file, no permission. */
export interface HookNotStarted {
  /** Which outcome this is. */
  kind: "notStarted";
  /** Why, in one line. */
  reason: string;
}

/**
 * One line that says how the hook called `name` ended.
 *
 * @example
 * ```ts
 * import { describeOutcome } from "./mod.ts";
 *
 * describeOutcome({ kind: "timedOut", timeoutMs: 30_000, lines: [] }, "beforeLease");
 * // "beforeLease hook timed out after 30 s and was stopped"
 * ```
 */
export function describeOutcome(outcome: HookOutcome, name: string): string {
  return `${name} hook ${describeEnd(outcome)}`;
}

function describeEnd(outcome: HookOutcome): string {
  switch (outcome.kind) {
    case "ok":
      return `succeeded after ${formatDuration(outcome.durationMs)}`;
    case "failed":
      return `failed with exit code ${outcome.exitCode}${explainExitCode(outcome.exitCode)}`;
    case "killed":
      return `was killed by ${outcome.signal}`;
    case "timedOut":
      return `timed out after ${formatDuration(outcome.timeoutMs)} and was stopped`;
    case "interrupted":
      return "was interrupted and stopped";
    case "notStarted":
      return `could not be started: ${outcome.reason}`;
  }
}

/** What a shell means by the two exit codes that it makes up itself. */
function explainExitCode(exitCode: number): string {
  if (exitCode === 126) return " (a command in it is not executable)";
  if (exitCode === 127) return " (a command in it was not found)";
  return "";
}

function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${Number((durationMs / 1000).toFixed(1))} s`;
}
