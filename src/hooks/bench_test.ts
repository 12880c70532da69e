/** What the tests of this room share: a directory, one way to run a hook, and facts to wait for. */
import type { HookOutcome } from "./hook_outcome.ts";
import { type HookOptions, runHook } from "./run_hook.ts";
import type { Hook } from "./script_command.ts";

/** Runs a hook with its lines collected; what is not said is harmless. */
export async function run(
  hook: string | Partial<Hook>,
  options: Partial<HookOptions> = {},
): Promise<{ outcome: HookOutcome; lines: string[] }> {
  const lines: string[] = [];
  const outcome = await runHook(
    { script: "", timeoutMs: 60_000, ...(typeof hook === "string" ? { script: hook } : hook) },
    {
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "" },
      ...options,
      onLine(line) {
        lines.push(line);
        options.onLine?.(line);
      },
    },
  );
  return { outcome, lines };
}

/** A directory that goes with its scope. */
export async function openDirectory(prefix = "hooks-test-"): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Whether a program runs; one that is dead and only not yet reaped does not. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    if (Deno.build.os === "linux") return !/\) [ZX] /.test(await Deno.readTextFile(`/proc/${pid}/stat`));
    Deno.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The process id that a script printed as its first line. */
export function pidIn(lines: readonly string[]): number {
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid < 2) throw new Error(`no process id: ${JSON.stringify(lines)}`);
  return pid;
}

/** Whether a program is installed. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** The names in a directory. */
export async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}
