import { basename, extname, isAbsolute, join } from "node:path";
import { isWindows } from "../platform.ts";
import type { HookNotStarted } from "./hook_outcome.ts";

/** A script, and what runs it. */
export interface Hook {
  /** The script's text; when it is one line that names an existing file, that file is the script. */
  script?: string;
  /** What runs it: one program, or a program and its first arguments. Chosen by the file's extension when unset. */
  exec?: string | readonly string[];
  /** The script's file; `script` is then ignored. */
  scriptFile?: string;
  /** How long it may run. */
  timeoutMs: number;
}

/** Where a script is looked for and written. */
export interface ScriptPlace {
  /** Where the script runs; relative files start from it. */
  cwd?: string;
  /** Where a temporary directory may be made; the system's own place when unset. */
  workDir?: string;
  /** What runs `.ts` and `.js` files: the running Deno, with all permissions, when unset. */
  deno?: readonly string[];
}

/** The words that run a script; to be disposed once it has ended. */
export interface ScriptCommand extends AsyncDisposable {
  /** The program and its arguments. */
  argv: readonly string[];
}

/** Interpreters whose `-c` is not "run this text", and the extension of a file that they run. */
const fileInterpreters: Readonly<Record<string, string>> = {
  cmd: ".cmd",
  deno: ".ts",
  bun: ".ts",
  node: ".js",
  perl: ".pl",
  ruby: ".rb",
};
const textInterpreter = /^(?:(?:ba|da|a|z|k|mk|fi)?sh|python[\d.]*)$/;
const denoExtensions: readonly string[] = [".ts", ".js", ".mts", ".mjs"];

/** What runs a script that names no interpreter; without `/q` that of Windows shows every line that it runs. */
const shell: readonly string[] = isWindows ? ["cmd.exe", "/d", "/q", "/c"] : ["/bin/sh"];

/** Finds out how `hook` is run; writes its script to a file where its interpreter takes nothing else. */
export async function openScriptCommand(hook: Hook, place: ScriptPlace): Promise<ScriptCommand | HookNotStarted> {
  const { script = "", scriptFile, exec } = hook;
  if (exec !== undefined && wordsOf(exec).every((word) => word === "")) return notStarted("exec names no program");
  if (scriptFile !== undefined) {
    if (await isFile(scriptFile, place) === false) return notStarted(`there is no file "${scriptFile}"`);
    return fileCommand(scriptFile, hook, place);
  }
  const line = script.trim();
  const isOneLine = line !== "" && !/[\n\0]/.test(line);
  // Where Deno may not look, the text is the script: `echo hello` must not need the permission to read a file `echo hello`.
  if (isOneLine && await isFile(line, place) === true) return fileCommand(line, hook, place);
  const words = exec === undefined ? shell : wordsOf(exec);
  const extension = extensionFor(words);
  if (extension === undefined) return inPlace([...words, "-c", script]);
  return await writtenCommand(script, extension, words, place);
}

function fileCommand(file: string, { exec }: Hook, { deno }: ScriptPlace): ScriptCommand {
  const words = exec === undefined ? interpreterFor(file, deno) : withDenoRun(wordsOf(exec));
  // A bare name would be looked up on the PATH by some shells, and one that starts with a dash would be an option.
  return inPlace([...words, isAbsolute(file) || file.startsWith("./") ? file : `./${file}`]);
}

/** Writes the script where only this user can read it, since scripts have passwords in them. */
async function writtenCommand(
  script: string,
  extension: string,
  words: readonly string[],
  { workDir }: ScriptPlace,
): Promise<ScriptCommand | HookNotStarted> {
  let directory: string | undefined;
  const remove = async () => {
    if (directory === undefined) return;
    await Deno.remove(directory, { recursive: true }).catch(() => {/* it is gone, or goes with `workDir` */});
  };
  try {
    directory = await Deno.makeTempDir({ dir: workDir, prefix: "jmp-hook-" });
    const file = join(directory, `hook${extension}`);
    await Deno.writeTextFile(file, script, { mode: 0o600, createNew: true });
    return { argv: [...withDenoRun(words), file], [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    return notStarted(`its script cannot be written to a file: ${error instanceof Error ? error.message : error}`);
  }
}

function inPlace(argv: readonly string[]): ScriptCommand {
  return { argv, [Symbol.asyncDispose]: () => Promise.resolve() };
}

function interpreterFor(file: string, deno: readonly string[] = runningDeno()): readonly string[] {
  const extension = extname(file);
  if (extension === ".py") return ["python3"];
  return denoExtensions.includes(extension) ? deno : shell;
}

/** A compiled program is no `deno` that could run another script. */
function runningDeno(): readonly string[] {
  return [Deno.build.standalone ? "deno" : Deno.execPath(), "run", "-A"];
}

/** `exec: deno` alone would stop at the first permission, with nobody there to be asked. */
function withDenoRun(words: readonly string[]): readonly string[] {
  return words.length === 1 && programOf(words[0]) === "deno" ? [...words, "run", "-A"] : words;
}

/**
 * The extension of a file for these words, or nothing when `-c` will do. The last word that is a known interpreter
 * decides, so that `["/usr/bin/env", "node"]` and `["docker", "exec", "node", "sh"]` both mean what they say.
 */
function extensionFor(words: readonly string[]): string | undefined {
  for (const program of words.map(programOf).reverse()) {
    if (textInterpreter.test(program)) return undefined;
    if (Object.hasOwn(fileInterpreters, program)) return fileInterpreters[program];
  }
  return undefined;
}

function programOf(word = ""): string {
  return basename(word).replace(/\.exe$/i, "");
}

function wordsOf(exec: string | readonly string[]): readonly string[] {
  return typeof exec === "string" ? [exec] : exec;
}

/** Whether there is such a file; nothing when Deno may not look. */
async function isFile(file: string, { cwd }: ScriptPlace): Promise<boolean | undefined> {
  const path = cwd === undefined || isAbsolute(file) ? file : join(cwd, file);
  if ((await Deno.permissions.query({ name: "read", path })).state !== "granted") return undefined;
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

function notStarted(reason: string): HookNotStarted {
  return { kind: "notStarted", reason };
}
