import { join } from "node:path";
import { isWindows } from "../platform.ts";
import { openPrivateTempDir, type PrivateTempDir, tempParents } from "../private_files.ts";

/** The commands of a hook or a shell, until disposed of. */
export interface PlacedShims extends AsyncDisposable {
  /** The directory that they are in. */
  readonly binDir: string;
}

/**
 * Writes the commands `j` and `jmp` into a directory, so that a hook or a shell that has it on its PATH finds the
 * very program that started it, however that was installed. Where programs cannot be run from there, they are written
 * to a directory for temporary files from which they can.
 *
 * @param dir An existing directory, best one that only this user can write to.
 * @param launcher The words that start the program, such as `["/usr/bin/deno", "run", "-A", "/opt/jmp/cli.ts"]`.
 * @param warn Told, in one line, that programs can be run from nowhere.
 */
export async function placeShims(
  dir: string,
  launcher: readonly string[],
  warn: (line: string) => void,
): Promise<PlacedShims> {
  const isUsual = await canRunFrom(dir);
  const other = isUsual ? undefined : await openRunnableDir();
  if (!isUsual && other === undefined) {
    warn(
      `"j" cannot be run from ${dir}: no program can, since its file system is mounted noexec; ` +
        "set TMPDIR, or --runtime-dir where that is given, to a directory elsewhere",
    );
  }
  const binDir = other?.path ?? dir;
  await writeShim(binDir, "j", [...launcher, "j"]);
  await writeShim(binDir, "jmp", launcher);
  return { binDir, [Symbol.asyncDispose]: async () => await other?.[Symbol.asyncDispose]() };
}

async function openRunnableDir(): Promise<PrivateTempDir | undefined> {
  for (const parent of tempParents()) {
    const dir = await openPrivateTempDir("bin-", parent).catch(() => undefined); // another one may do
    if (dir !== undefined && await canRunFrom(dir.path)) return dir;
    await dir?.[Symbol.asyncDispose]();
  }
  return undefined;
}

/** Whether a program in `dir` can be run; so it is taken to be where Deno does not let that be tried. */
async function canRunFrom(dir: string): Promise<boolean> {
  const shell = "/bin/sh";
  if (isWindows || Deno.permissions.querySync({ name: "run", command: shell }).state !== "granted") return true;
  const probe = join(dir, "probe");
  await Deno.writeTextFile(probe, `#!${shell}\n`, { mode: 0o700 });
  const tried = new Deno.Command(shell, { args: ["-c", '"$0"', probe], stdin: "null", stdout: "null", stderr: "null" });
  const { success } = await tried.output();
  await Deno.remove(probe);
  return success;
}

async function writeShim(dir: string, name: string, words: readonly string[]): Promise<void> {
  await Deno.writeTextFile(join(dir, name), formatShellShim(words), { mode: 0o700 }); // on Windows for its bash
  if (isWindows) await Deno.writeTextFile(join(dir, `${name}.cmd`), formatBatchShim(words));
}

/** A POSIX shell script that becomes `words` and its own arguments. */
export function formatShellShim(words: readonly string[]): string {
  return `#!/bin/sh\nexec ${words.map(quoteForShell).join(" ")} "$@"\n`;
}

/** The same for the command interpreter of Windows. */
export function formatBatchShim(words: readonly string[]): string {
  return `@echo off\r\n${words.map(quoteForBatch).join(" ")} %*\r\n`;
}

/** Nothing is special between single quotes, and a single quote itself is written between two such strings. */
function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A file name cannot have a double quote there; a percent sign is doubled, as it would start a variable. */
function quoteForBatch(word: string): string {
  return `"${word.replaceAll("%", "%%")}"`;
}
