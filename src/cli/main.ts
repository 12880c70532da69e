import { exitCodeOf } from "./exit_code.ts";
import type { MainOptions } from "./main_options.ts";
import { writeError } from "./output.ts";
import { CommanderError, commanderExitCode } from "./program.ts";

/** Runs `jmp`, or `j` when that is the first word; answers the exit code. Each command loads only what it needs. */
export async function main({ args, env, packages, launcher }: MainOptions): Promise<number> {
  const [first, ...rest] = args;
  const name = first === "j" ? "j" : "jmp";
  try {
    if (first === "j") {
      const { j } = await import("./j.ts");
      return await j(rest, env, packages);
    }
    const { jmp } = await import("./jmp.ts");
    return await jmp({ args, env, packages, launcher });
  } catch (error) {
    if (error instanceof CommanderError) return commanderExitCode(error);
    writeError(name, error, args.includes("-v") || args.includes("--verbose") || isDebug(args));
    return exitCodeOf(error);
  }
}

function isDebug(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  return own.some((word, index) =>
    word === "--log-level=DEBUG" || (word === "--log-level" && own[index + 1] === "DEBUG")
  );
}
