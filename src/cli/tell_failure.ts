import { JumpstarterError } from "../errors.ts";
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
  } catch (reason) {
    if (reason instanceof CommanderError) return commanderExitCode(reason); // it has told it already
    const refusal = refusalIn(reason);
    const error = refusal === undefined ? reason : notAllowed(refusal);
    writeError(program, error, args.includes("-v") || args.includes("--verbose") || isDebug(args), write);
    return exitCodeOf(error);
  }
}

/** What Deno has refused, when that is all that went wrong: by itself, or where a file was to be read or written. */
function refusalIn(reason: unknown): Error | undefined {
  const isFile = reason instanceof JumpstarterError && reason.code === "config";
  const error = isFile ? reason.cause : reason;
  return error instanceof Deno.errors.NotCapable ? error : undefined;
}

/** What Deno refuses is for whoever has started the program. */
function notAllowed(cause: Error): JumpstarterError {
  const [, access = "this", flag] = /^Requires (.+), run again with the (--allow-[a-z]+) flag/.exec(cause.message) ??
    [];
  const hint = `run it with ${flag === undefined ? "" : `${flag}, or with `}-A`;
  return new JumpstarterError("usage", `Deno does not allow ${access}`, { hint, cause });
}

function isDebug(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  return own.some((word, index) =>
    word === "--log-level=DEBUG" || (word === "--log-level" && own[index + 1] === "DEBUG")
  );
}
