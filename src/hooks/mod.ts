/**
 * Runs one script and says how it ended. This room knows neither sessions nor status: what an outcome means is the
 * exporter's business.
 *
 * Permissions of {@linkcode runHook}:
 *
 * - `--allow-run=/bin/sh` for an inline script of the shell, and nothing more. Another interpreter is named in its
 *   stead, by its full path or as the config has it (`--allow-run=python3`). Under such a list Deno does not let a
 *   program signal a group of processes, which `/bin/sh` does then: add it, or a hook that is stopped leaves its
 *   children behind. Deno runs no program under a list when an `LD_*` or `DYLD_*` variable is in its environment.
 * - `--allow-read=<file>` for a script that is a file named by `script`: without it the line is run as text.
 *   `scriptFile` needs no permission to read.
 * - `--allow-write=<workDir>` for an inline script of an interpreter that only runs files (Deno, Node.js, …), which
 *   is written there and removed afterwards.
 *
 * {@linkcode placeShims} writes to the directory that it is given, and where `/bin/sh` may be run it finds out whether
 * programs can be run from there; everything else needs no permission.
 *
 * @module
 */
export { type PlacedShims, placeShims } from "./command_shims.ts";
export { hookEnvironment, type HookFacts } from "./hook_environment.ts";
export { hookPermissions } from "./hook_permissions.ts";
export {
  describeOutcome,
  type HookFailed,
  type HookInterrupted,
  type HookKilled,
  type HookNotStarted,
  type HookOk,
  type HookOutcome,
  type HookTimedOut,
} from "./hook_outcome.ts";
export { type HookOptions, runHook } from "./run_hook.ts";
export type { Hook, ScriptPlace } from "./script_command.ts";
