/**
 * Files that are being written, beside what they are to become.
 *
 * They have names of their own, and are known by their locks: whoever writes one has it locked, and the system lets go
 * of the lock with the process. So one without a lock was left by a program that was killed.
 *
 * @module
 */
import { join } from "node:path";

/** A new name for a file that is to become `name`; short enough for a file system that takes the name itself. */
export function newPartName(name: string): string {
  return `.${name.slice(0, 40)}.jumpstarter-${crypto.randomUUID().slice(0, 8)}.part`;
}

/** Whether a name is one of {@linkcode newPartName}. */
export function isPartName(name: string): boolean {
  return /^\..*\.jumpstarter-[0-9a-f]{8}\.part$/s.test(name);
}

/** Says that somebody writes a file, until `file` is closed. To be called before the first byte is written. */
export async function lockPart(file: Deno.FsFile): Promise<void> {
  await file.lock(true).catch(() => {/* a file system without locks, on which nothing is taken for left either */});
}

/**
 * Removes what killed programs have left in a directory. Nothing happens where Deno may not look, or the system
 * refuses.
 */
export async function removeLeftParts(dir: string): Promise<void> {
  if ((await Deno.permissions.query({ name: "read", path: dir })).state !== "granted") return;
  try {
    for await (const { name, isFile } of Deno.readDir(dir)) {
      if (isFile && isPartName(name)) await removeIfLeft(join(dir, name));
    }
  } catch {
    // There is no such directory, or it is closed.
  }
}

async function removeIfLeft(path: string): Promise<void> {
  try {
    if (await isLeft(path)) await Deno.remove(path);
  } catch {
    // Another program was quicker, or it is not ours to remove.
  }
}

/** An empty one may be about to be locked. */
async function isLeft(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  return await file.tryLock(true) && (await file.stat()).size > 0;
}
