/**
 * The program: `deno run -A cli.ts run …`. It wires the command line to the built-in drivers and ends with the exit
 * code of the command.
 *
 * @module
 */
import { builtinDrivers } from "./drivers/mod.ts";
import { main } from "./src/cli/mod.ts";

/**
 * The words that start this program again: the executable itself when compiled, else Deno and this module. What Deno
 * has to say of downloads is no part of a hook's output.
 */
function launcher(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const { protocol, pathname } = new URL(import.meta.url);
  const script = protocol === "file:" ? decodeURIComponent(pathname) : import.meta.url;
  return [Deno.execPath(), "run", "--quiet", "-A", ...(protocol === "file:" ? [] : ["--no-config"]), script];
}

/** Runs the program and ends the process with its exit code. */
export async function runMain(): Promise<never> {
  const env = Deno.env.toObject();
  Deno.exit(await main({ args: Deno.args, env, packages: builtinDrivers, launcher: launcher() }));
}

if (import.meta.main) await runMain();
