import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { Permission } from "../permission.ts";
import { isWindows } from "../platform.ts";
import { type Hook, openScriptCommand, type ScriptPlace } from "./script_command.ts";

/**
 * What Deno has to allow to run a hook: its interpreter, `/bin/sh` to stop its whole group, and to look at the file
 * that it names.
 *
 * A hook is a program like any other: what it does is bound by the system's rules, and not by Deno's.
 */
export async function hookPermissions(hook: Hook, place: ScriptPlace = {}): Promise<Permission[]> {
  const opened = await openScriptCommand(hook, { ...place, workDir: undefined }); // that may not be there yet
  if ("reason" in opened) return []; // there is nothing that could be started
  await using command = opened;
  const [program = ""] = command.argv;
  const stopper: Permission[] = isWindows ? [] : [{ kind: "run", of: "/bin/sh" }];
  return [{ kind: "run", of: program }, ...stopper, ...fileAccess(hook, command.argv, place)];
}

/** A file that `script` names is looked at; what is no file and cannot be an argument is written to one. */
function fileAccess(hook: Hook, argv: readonly string[], { cwd = ".", workDir = tmpdir() }: ScriptPlace): Permission[] {
  if (hook.scriptFile !== undefined || argv.at(-2) === "-c") return [];
  const file = resolve(cwd, argv.at(-1) ?? "");
  return file === resolve(cwd, (hook.script ?? "").trim())
    ? [{ kind: "read", of: file }]
    : [{ kind: "write", of: workDir }];
}
