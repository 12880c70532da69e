/**
 * Directories of a tree that nothing leads out of.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { JumpstarterError } from "../../src/errors.ts";
import { allPermissions } from "../../src/permission.ts";
import { isWindows } from "../../src/platform.ts";

/** Which file it is, whatever it is called. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number | null;
}

/** A directory in the tree. */
export interface TreeDirectory extends AsyncDisposable {
  /** What a system call finds the directory itself by. */
  readonly path: string;
  /** What a system call finds an entry by. */
  at(name: string): string;
  /** Opens a directory in this one; a symbolic link is none, and fails with `ELOOP` or `ENOTDIR`. */
  enter(name: string): Promise<TreeDirectory>;
  /**
   * Fails when this is not the directory of the tree any more that it was, or when its entry `name` is not the file
   * that is expected.
   */
  verify(name?: string, expected?: FileIdentity): Promise<void>;
  /** Makes sure that the names of entries outlive a loss of power, where the system can. */
  sync(): Promise<void>;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * Opens the root of a tree.
 *
 * Where directories can be held, it is held open, and so is each directory below it while it is in use. An entry is
 * then found from the open directory and not by a path from the root, so that there is nothing to swap. Elsewhere
 * entries go by path, and what a path has led to is looked at once more before it is trusted: that tells of links, and
 * of most swaps, but somebody who may write to the storage's directory and swaps fast enough is not kept out.
 *
 * @param path The root as `Deno.realPath` has it.
 */
export async function openRoot(path: string, isHeld: boolean): Promise<TreeDirectory> {
  return isHeld ? new HeldDirectory(await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) : new NamedDirectory(path);
}

/**
 * Whether directories can be held: on Linux, with all permissions. Deno lets nobody else into /proc, and would ask the
 * user for it.
 */
export async function canHoldDirectories(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const descriptors = allPermissions.map(({ kind }) => ({ name: kind }) as Deno.PermissionDescriptor);
  const states = await Promise.all(descriptors.map((descriptor) => Deno.permissions.query(descriptor)));
  if (states.some(({ state, partial }) => state !== "granted" || partial)) return false;
  return await Deno.stat("/proc/self/fd").then(({ isDirectory }) => isDirectory, () => false);
}

/** A directory that is held open. Its entries are found from it, wherever it has been moved to. */
class HeldDirectory implements TreeDirectory {
  readonly path: string;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
    this.path = `/proc/self/fd/${handle.fd}`;
  }

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  async enter(name: string): Promise<TreeDirectory> {
    return new HeldDirectory(await open(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }

  verify(): Promise<void> {
    return Promise.resolve();
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** A directory by its path, in which no symbolic link was when it was looked at. */
class NamedDirectory implements TreeDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  async enter(name: string): Promise<TreeDirectory> {
    const path = this.at(name);
    const { isSymlink, isDirectory } = await Deno.lstat(path);
    if (!isDirectory) throw Object.assign(new Error("not a directory"), { code: isSymlink ? "ELOOP" : "ENOTDIR" });
    const entered = new NamedDirectory(path);
    await entered.verify();
    return entered;
  }

  async verify(name?: string, expected?: FileIdentity): Promise<void> {
    const isHere = await Deno.realPath(this.path) === this.path;
    const found = name === undefined || expected === undefined ? undefined : await Deno.lstat(this.at(name));
    const isExpected = found?.ino === expected?.ino && found?.dev === expected?.dev;
    if (isHere && isExpected) return;
    throw new JumpstarterError("io", "the storage's directories were changed while they were in use");
  }

  async sync(): Promise<void> {
    if (isWindows) return;
    const handle = await open(this.path, O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
