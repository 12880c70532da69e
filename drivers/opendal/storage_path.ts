/**
 * Paths of a storage: names from its root down, with `/` between them. A path that begins with `/` begins at that root
 * too, and none leads out of it.
 */
import { JumpstarterError } from "../../src/errors.ts";

/** A path, taken apart. */
export interface StoragePath {
  /** The names from the root down; the root itself has none. */
  readonly names: readonly string[];
  /** It ends with `/`, so that nothing but a directory can be meant. The root always is one. */
  readonly isDirectory: boolean;
}

/**
 * Takes a path apart. `.` and empty names are left out, and `..` takes back the name before it.
 *
 * @throws {JumpstarterError} `invalid_argument` for a path that leads out of the storage, or that no file can have.
 */
export function parsePath(text: string): StoragePath {
  const refuse = (reason: string) => new JumpstarterError("invalid_argument", `the path "${text}" ${reason}`);
  if (text.includes("\0")) throw refuse("contains a NUL");
  if (!text.isWellFormed()) throw refuse("is no Unicode text");
  const names: string[] = [];
  const parts = text.split("/");
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") names.push(part);
    else if (names.pop() === undefined) throw refuse("leads out of the storage");
  }
  const isDirectory = names.length === 0 || ["", ".", ".."].includes(parts.at(-1) ?? "");
  return { names, isDirectory };
}

/** The path as text: without a `/` before it, and with one behind it where it names a directory. */
export function formatPath({ names, isDirectory }: StoragePath): string {
  return names.length === 0 ? "/" : names.join("/") + (isDirectory ? "/" : "");
}

/** The same path as that of a directory. */
export function asDirectory({ names }: StoragePath): StoragePath {
  return { names, isDirectory: true };
}

/** The path of a directory's entry. */
export function childPath({ names }: StoragePath, name: string, isDirectory: boolean): StoragePath {
  return { names: [...names, name], isDirectory };
}

/** The directory that a path is in; the root for the root. */
export function parentOf({ names }: StoragePath): StoragePath {
  return { names: names.slice(0, -1), isDirectory: true };
}

/** Whether two paths name the same place. */
export function isSamePlace(a: StoragePath, b: StoragePath): boolean {
  return a.names.length === b.names.length && a.names.every((name, index) => name === b.names[index]);
}

/** Whether a path is in a directory, or is the directory itself. */
export function isWithin(path: StoragePath, directory: StoragePath): boolean {
  return directory.names.every((name, index) => name === path.names[index]);
}
