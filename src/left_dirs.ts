/**
 * The directories that programs of this kind have left which were killed.
 *
 * @module
 */
import { join } from "node:path";
import { isWindows } from "./platform.ts";
import { lockFile, ownerFile, removeTempDir, tempDirPrefix, tempParents } from "./private_files.ts";

/**
 * Removes the directories of {@linkcode openPrivateTempDir} that nobody uses any more; answers their paths. The locks
 * of whoever uses one go with its process, so no process id can be mistaken for another's.
 *
 * Nothing happens where Deno may not look, or the system refuses: it is for the next program then.
 *
 * @param parents Where they are.
 */
export async function removeLeftDirs(parents: readonly string[] = tempParents()): Promise<string[]> {
  return (await Promise.all(parents.map(removeLeftIn))).flat();
}

async function removeLeftIn(parent: string): Promise<string[]> {
  const removed: string[] = [];
  if (!await mayTidyUp(parent)) return removed;
  try {
    for await (const { name, isDirectory } of Deno.readDir(parent)) {
      const dir = join(parent, name);
      if (isDirectory && name.startsWith(tempDirPrefix) && await removeIfLeft(dir)) removed.push(dir);
    }
  } catch {
    // There is no such place, or it is closed.
  }
  return removed;
}

async function mayTidyUp(path: string): Promise<boolean> {
  const needed: Deno.PermissionDescriptor[] = [
    { name: "read", path },
    { name: "write", path },
    { name: "sys", kind: "uid" },
  ];
  const states = await Promise.all(needed.map((one) => Deno.permissions.query(one)));
  return states.every(({ state }) => state === "granted");
}

async function removeIfLeft(dir: string): Promise<boolean> {
  try {
    const { isDirectory, uid, mode } = await Deno.lstat(dir);
    if (!isDirectory || (!isWindows && (uid !== Deno.uid() || ((mode ?? 0) & 0o077) !== 0))) return false;
    using owner = await Deno.open(join(dir, ownerFile), { read: true, write: true });
    // Its owner writes to it once it has locked it; until then it is about to.
    if (!await owner.tryLock(true) || (await owner.stat()).size === 0) return false;
    using runtime = await openIfThere(join(dir, lockFile));
    if (await runtime?.tryLock(true) === false) return false;
    await removeTempDir(dir);
    return true;
  } catch {
    return false; // another program was quicker, or it is no directory of ours
  }
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { read: true, write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
