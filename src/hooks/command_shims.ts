import { join } from "node:path";
import { isWindows } from "../platform.ts";

/**
 * Writes the commands `j` and `jmp` into a directory, so that a hook or a shell that has it on its PATH finds the
 * very program that started it, however that was installed.
 *
 * @param dir An existing directory, best one that only this user can write to.
 * @param launcher The words that start the program, such as `["/usr/bin/deno", "run", "-A", "/opt/jmp/cli.ts"]`.
 */
export async function writeShims(dir: string, launcher: readonly string[]): Promise<void> {
  await writeShim(dir, "j", [...launcher, "j"]);
  await writeShim(dir, "jmp", launcher);
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
