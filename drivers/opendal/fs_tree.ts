/**
 * Finds files in a tree of directories. Symbolic links are followed as long as they stay in the tree; names, links and
 * `..` in links are all resolved here, one directory at a time, and never by the operating system.
 */
import { sep } from "node:path";
import { JumpstarterError } from "../../src/errors.ts";
import { isPartName } from "../../src/part_file.ts";
import { openRoot, type TreeDirectory } from "./fs_directory.ts";
import { nothingAt, refused } from "./storage.ts";
import type { StoragePath } from "./storage_path.ts";

/** A directory, and the name of an entry in it that may or may not be there. Without a name, the directory itself. */
export interface Place extends AsyncDisposable {
  readonly directory: TreeDirectory;
  readonly name?: string;
}

/** How many symbolic links a path may lead through; Linux follows as many. */
const MAX_LINKS = 40;

/** A directory with all that is in it, and nothing else. */
export class FsTree {
  readonly #root: string;
  readonly #isHeld: boolean;

  /**
   * @param root As `Deno.realPath` has it.
   * @param isHeld Whether directories are held open while they are in use.
   */
  constructor(root: string, isHeld: boolean) {
    this.#root = root;
    this.#isHeld = isHeld;
  }

  /**
   * Goes to the directory that a path's last name is in.
   *
   * @param followsLast Whether a link that the last name is counts as what it leads to.
   * @throws {JumpstarterError} `not_found` where a directory is missing, `invalid_argument` where something else stands
   * in its place, or where a link leads out of the tree.
   */
  async locate(path: StoragePath, followsLast: boolean): Promise<Place> {
    assertPortable(path);
    let pending = [...path.names];
    let done: string[] = [];
    let here = await this.#openRoot();
    try {
      for (let links = 0; pending.length > 0;) {
        const [name = "", ...rest] = pending;
        if (name === "..") {
          if (done.length === 0) throw refused(path, "is behind a link that leads out of the storage");
          [pending, done] = [[...done.slice(0, -1), ...rest], []];
          here = await replace(here, this.#openRoot());
          continue;
        }
        if (isPartName(name)) throw refused(path, "is the name of a file that is being written");
        const isLast = rest.length === 0;
        const link = isLast && !followsLast ? undefined : await readLink(here, name);
        if (link === undefined) {
          if (isLast) return place(here, name);
          here = await replace(here, here.enter(name));
          [pending, done] = [rest, [...done, name]];
          continue;
        }
        if (++links > MAX_LINKS) throw refused(path, "leads through too many links");
        const [start, target] = this.#parseLink(path, link);
        if (start === "root") [here, done] = [await replace(here, this.#openRoot()), []];
        pending = [...target, ...rest];
      }
      return place(here);
    } catch (error) {
      await here[Symbol.asyncDispose]();
      throw fsError(path, error);
    }
  }

  #openRoot(): Promise<TreeDirectory> {
    return openRoot(this.#root, this.#isHeld);
  }

  /** Where a link starts from, and its names. A link to an absolute path is good when that path is in the tree. */
  #parseLink(path: StoragePath, link: string): [start: "root" | "here", names: string[]] {
    const split = (text: string) => text.split("/").filter((name) => name !== "" && name !== ".");
    if (!link.startsWith("/")) return ["here", split(link)];
    const root = split(this.#root), names = split(link);
    if (root.every((name, index) => names[index] === name)) return ["root", names.slice(root.length)];
    throw refused(path, "is behind a link that leads out of the storage");
  }
}

/** What a link says; nothing where there is no link. */
async function readLink(directory: TreeDirectory, name: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(directory.at(name));
  } catch (error) {
    if (errorCode(error) === "EINVAL" || errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function replace(former: TreeDirectory, opening: Promise<TreeDirectory>): Promise<TreeDirectory> {
  const next = await opening;
  await former[Symbol.asyncDispose]();
  return next;
}

function place(directory: TreeDirectory, name?: string): Place {
  return { directory, name, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

/** Windows takes more for a separator than `/`. */
function assertPortable(path: StoragePath): void {
  if (sep === "/" || !path.names.some((name) => /[\\:]/.test(name))) return;
  throw refused(path, String.raw`contains a "\" or a ":"`);
}

/** An operating system's error in the words of a storage; any other error as it is. */
export function fsError(path: StoragePath, error: unknown): unknown {
  if (error instanceof JumpstarterError) return error;
  const code = errorCode(error);
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return nothingAt(path, error);
    case "EISDIR":
      return refused(path, "is a directory", error);
    case "ENOTEMPTY":
    case "EEXIST":
      return refused(path, "is a directory that is not empty", error);
    case "ELOOP":
      return refused(path, "is a link", error);
    case "ENAMETOOLONG":
      return refused(path, "is too long a name", error);
    case "EINVAL":
      return refused(path, "cannot be put there", error);
  }
  const reason = REASONS[code] ?? withoutCall(error instanceof Error ? error.message : String(error));
  return new JumpstarterError("io", `"${path.names.join("/")}": ${reason}`, { cause: error });
}

/**
 * Fails where a pipe, a socket or a device stands: to open one may wait or set something off, and what is put in its
 * place is not what others have it for.
 */
export function assertOrdinary(path: StoragePath, info: Deno.FileInfo | undefined): void {
  if (info === undefined || info.isFile || info.isDirectory || info.isSymlink) return;
  throw refused(path, "is no regular file");
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "the exporter may not do this (permission denied)",
  EPERM: "the exporter may not do this (operation not permitted)",
  ENOSPC: "no space is left on the exporter's disk",
  EDQUOT: "the exporter's disk quota is used up",
  EROFS: "the file system is read-only",
  EXDEV: "source and target are on different file systems; copy instead",
  EMFILE: "the exporter has too many open files",
};

/** What went wrong, without the call and the path that runtimes put behind it: that path is the exporter's own. */
function withoutCall(message: string): string {
  return message.replace(/[,:] \w+ '.*$/s, "");
}

/** An error's code, the operating system's own or this project's; empty where it has none. */
function errorCode(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** Takes it that something is not there for an answer, and no other error. */
export function ignoreMissing(error: unknown): undefined {
  if (!["ENOENT", "not_found"].includes(errorCode(error))) throw error;
}
