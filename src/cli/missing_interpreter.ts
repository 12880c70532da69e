import { join } from "node:path";
import { pathDelimiter, pathNameIn } from "../platform.ts";

/** The most that is read of a file to find its first line; Linux itself reads no more. */
const headBytes = 256;

/**
 * The interpreter that a program asks for in its first line and that is not there: the system then says no more than
 * that something was not found. Nothing where the program itself is what is missing.
 *
 * @param program The program as it was to be started: a path, or a name on the search path of `env`.
 */
export async function missingInterpreter(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const dirs = env[pathNameIn(env)]?.split(pathDelimiter) ?? [];
  const paths = program.includes("/") ? [program] : dirs.map((dir) => join(dir, program));
  for (const path of paths) {
    if (!await isExecutable(path)) continue;
    const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(await readHead(path)) ?? [];
    return interpreter === undefined || await isExecutable(interpreter) ? undefined : interpreter;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  const found = await Deno.stat(path).catch(() => undefined);
  return found?.isFile === true && ((found.mode ?? 0) & 0o111) !== 0;
}

/** The beginning of a file; of one that cannot be read, nothing. */
async function readHead(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(headBytes);
    return new TextDecoder().decode(head.subarray(0, await file.read(head) ?? 0));
  } catch {
    return "";
  }
}
