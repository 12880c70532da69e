import { exitCodeOf } from "./exit_code.ts";
import { writeErr, writeError } from "./output.ts";
import { CommanderError, commanderExitCode } from "./program.ts";

/**
 * Runs a program and answers its exit code, also when it fails; then the error is told.
 *
 * @param program Who says it: `jmp` or `j`.
 * @param args The program's words, which say whether details are wanted.
 * @param write Where it is said; on stderr by default.
 */
export async function tellFailure(
  program: string,
  args: readonly string[],
  run: () => Promise<number>,
  write = writeErr,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CommanderError) return commanderExitCode(error); // it has told it already
    writeError(program, error, args.includes("-v") || args.includes("--verbose") || isDebug(args), write);
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
