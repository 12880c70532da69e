import type { DriverPackage } from "../driver/mod.ts";
import type { Terminal } from "../terminal.ts";
import type { MainOptions } from "./main_options.ts";
import { tellFailure } from "./tell_failure.ts";

/** Runs `jmp`; answers the exit code. Each command loads only what it needs. */
export async function main(options: MainOptions): Promise<number> {
  return await tellFailure("jmp", options.args, async () => {
    const { jmp } = await import("./jmp.ts");
    return await jmp(options);
  });
}

/** Runs `j` in this process, from the words after it; answers the exit code. */
export async function mainJ(
  args: readonly string[],
  terminal: Terminal,
  packages: readonly DriverPackage[],
): Promise<number> {
  const { connectAnew, j } = await import("./j.ts");
  return await j(args, terminal, connectAnew(packages));
}
