import { childEnd } from "./child_end.ts";
import { isWindows } from "./platform.ts";

/** Waits for the end of its input, and then ends the group `$1`, which has `$2` seconds to obey. */
const script = 'read -r _ || { kill -s TERM -- "-$1"; sleep "$2"; kill -s KILL -- "-$1"; } 2>/dev/null';

/** What runs it, where Deno allows that. */
const shell = { name: "run", command: "/bin/sh" } as const;

/**
 * Ends a process group should this program be killed, until it is disposed of: a shell of its own session reads a pipe
 * that this program alone can write to, and the system closes that with the program, whatever has ended it.
 *
 * @param group The id of the group, which is that of its first process.
 */
export function guardAgainstDeath(
  group: number,
  { env, killGraceMs }: { env: Record<string, string>; killGraceMs: number },
): AsyncDisposable | undefined {
  if (isWindows || Deno.permissions.querySync(shell).state !== "granted") return undefined;
  const graceSeconds = Math.ceil(killGraceMs / 1_000); // a fraction is not for every sleep
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(shell.command, {
      args: ["-c", script, "sh", String(group), String(graceSeconds)],
      env,
      clearEnv: true,
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch {
    return undefined; // the group is worth more than its guard
  }
  return {
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL"); // before its input ends
      } catch {
        // Somebody has ended it already.
      }
      await child.stdin.close().catch(() => {/* it does not read any more */});
      await childEnd(child);
    },
  };
}
