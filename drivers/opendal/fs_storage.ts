/**
 * Files in a directory of the exporter's machine.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { JumpstarterError } from "../../src/errors.ts";
import { isPartName, removeLeftParts } from "../../src/part_file.ts";
import { canHoldDirectories, type TreeDirectory } from "./fs_directory.ts";
import { assertOrdinary, fsError, FsTree, ignoreMissing, type Place } from "./fs_tree.ts";
import { FsWriter } from "./fs_writer.ts";
import {
  assertNamesFile,
  type FileStat,
  nothingAt,
  type Reader,
  refused,
  type Storage,
  transfer,
  type Writer,
} from "./storage.ts";
import { asDirectory, childPath, formatPath, parentOf, parsePath, type StoragePath } from "./storage_path.ts";

/** How much is read at a time. */
const CHUNK_BYTES = 1024 * 1024;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Opens a directory as a storage, and makes it where it is missing. Needs to read and write it, and nothing else.
 *
 * @param root Its path, from the exporter's working directory where it is relative.
 * @param isHeld Whether directories are held open while they are in use; where that is possible, by default.
 */
export async function openFsStorage(root: string, isHeld?: boolean): Promise<Storage> {
  await Deno.mkdir(root, { recursive: true });
  return new FsStorage(new FsTree(await Deno.realPath(root), isHeld ?? await canHoldDirectories()));
}

class FsStorage implements Storage {
  readonly isShared = true;
  readonly #tree: FsTree;
  readonly #closing = new AbortController();
  readonly #tidied: Promise<void>;

  constructor(tree: FsTree) {
    this.#tree = tree;
    this.#tidied = this.#removeLeft(this.#closing.signal);
  }

  stat(path: StoragePath): Promise<FileStat> {
    return this.#at(path, true, async (place) => {
      const info = await look(path, place);
      return info.isDirectory ? { kind: "directory", size: 0 } : { kind: "file", size: info.size };
    });
  }

  openReader(path: StoragePath): Promise<Reader> {
    assertNamesFile(path);
    return this.#at(path, true, async ({ directory, name }) => {
      if (name === undefined) throw refused(path, "is a directory");
      assertOrdinary(path, await Deno.lstat(directory.at(name)));
      // A pipe that takes the file's place now must not hold the exporter up.
      const handle = await open(directory.at(name), O_RDONLY | O_NOFOLLOW | (O_NONBLOCK ?? 0));
      try {
        const info = await handle.stat();
        if (!info.isFile()) throw refused(path, info.isDirectory() ? "is a directory" : "is no regular file");
        await directory.verify(name, info);
        return new FsReader(path, handle, info.size);
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  async openWriter(path: StoragePath): Promise<Writer> {
    assertNamesFile(path);
    const made = await this.#makeDirectories(parentOf(path));
    try {
      // The writer keeps its directory until it is done.
      const place = await this.#tree.locate(path, true);
      return await FsWriter.open(path, place, () => this.#removeEmpty(made));
    } catch (error) {
      await this.#removeEmpty(made);
      throw fsError(path, error);
    }
  }

  async createDir(path: StoragePath): Promise<void> {
    await this.#makeDirectories(path);
  }

  delete(path: StoragePath): Promise<void> {
    return this.#remove(path, false);
  }

  async removeAll(path: StoragePath, signal: AbortSignal): Promise<void> {
    if (path.names.length > 0) return await this.#remove(path, true);
    for (const { name } of await this.#entries(path)) {
      signal.throwIfAborted();
      await this.#remove({ names: [name], isDirectory: false }, true);
    }
  }

  async copy(source: StoragePath, target: StoragePath, signal: AbortSignal): Promise<void> {
    await using reader = await this.openReader(source);
    await using writer = await this.openWriter(target);
    await transfer(reader, writer, signal);
  }

  async rename(source: StoragePath, target: StoragePath): Promise<void> {
    await this.#at(source, false, async (from) => {
      const info = await look(source, from);
      const fromName = nameOf(source, from);
      const made = await this.#makeDirectories(parentOf(target));
      try {
        await this.#at(target, false, async (to) => {
          const name = nameOf(target, to);
          assertOrdinary(target, await Deno.lstat(to.directory.at(name)).catch(ignoreMissing));
          await Deno.rename(from.directory.at(fromName), to.directory.at(name));
          await to.directory.verify(name, info);
          await Promise.all([from.directory.sync(), to.directory.sync()]);
        });
      } catch (error) {
        await this.#removeEmpty(made);
        throw error;
      }
    });
  }

  async *list(path: StoragePath, isRecursive: boolean, signal: AbortSignal): AsyncIterable<string> {
    const found = await this.stat(path).catch(ignoreMissing);
    if (found === undefined) return;
    if (found.kind === "file") return yield formatPath(path);
    const pending = [asDirectory(path)];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      signal.throwIfAborted();
      yield formatPath(directory);
      const inner: StoragePath[] = [];
      // One that goes while its siblings are listed is not there to be listed.
      for (const { name, isDirectory } of await this.#entries(directory).catch(ignoreMissing) ?? []) {
        const child = childPath(directory, name, isDirectory);
        if (isDirectory && isRecursive) inner.unshift(child);
        else yield formatPath(child);
      }
      pending.push(...inner);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#tidied;
  }

  /** Does something in the directory of a path, and says what went wrong there in terms of the path. */
  async #at<T>(path: StoragePath, followsLast: boolean, use: (place: Place) => Promise<T>): Promise<T> {
    await using place = await this.#tree.locate(path, followsLast);
    try {
      return await use(place);
    } catch (error) {
      throw fsError(path, error);
    }
  }

  /** What is in a directory, by name. A link counts as what it is, not as what it leads to. */
  #entries(path: StoragePath): Promise<Deno.DirEntry[]> {
    return this.#in(path, async (directory) => {
      const entries = await Array.fromAsync(Deno.readDir(directory.path));
      await directory.verify();
      return entries.filter(({ name }) => !isPartName(name)).sort((a, b) => a.name < b.name ? -1 : 1);
    });
  }

  /** Does something with the directory that a path leads to. */
  #in<T>(path: StoragePath, use: (directory: TreeDirectory) => Promise<T>): Promise<T> {
    return this.#at(path, true, async ({ directory, name }) => {
      await using entered = name === undefined ? undefined : await directory.enter(name);
      return await use(entered ?? directory);
    });
  }

  /** Removes, beside all else that happens, what exporters that were killed had begun to write here. */
  async #removeLeft(signal: AbortSignal): Promise<void> {
    const pending = [parsePath("/")];
    for (let path = pending.pop(); path !== undefined && !signal.aborted; path = pending.pop()) {
      const directory = path;
      try {
        await this.#in(directory, ({ path }) => removeLeftParts(path));
        const inner = (await this.#entries(directory)).filter(({ isDirectory }) => isDirectory);
        pending.push(...inner.map(({ name }) => childPath(directory, name, true)));
      } catch {
        // It has gone meanwhile, or is closed to the exporter.
      }
    }
  }

  async #remove(path: StoragePath, isRecursive: boolean): Promise<void> {
    const removing = this.#at(path, false, async (place) => {
      const { directory } = place;
      const name = nameOf(path, place);
      const info = await look(path, place);
      await directory.verify(name, info);
      await Deno.remove(directory.at(name), { recursive: isRecursive && info.isDirectory });
      await directory.verify();
    });
    await removing.catch(ignoreMissing);
  }

  /** Makes a directory and what is missing above it; answers those that were made, the uppermost first. */
  async #makeDirectories(path: StoragePath): Promise<StoragePath[]> {
    const made: StoragePath[] = [];
    const isThere = (await this.stat(asDirectory(path)).catch(ignoreMissing)) !== undefined;
    for (let depth = 1; depth <= path.names.length && !isThere; depth++) {
      const step = asDirectory({ names: path.names.slice(0, depth), isDirectory: true });
      if (await this.#makeDirectory(step)) made.push(step);
    }
    return made;
  }

  #makeDirectory(path: StoragePath): Promise<boolean> {
    return this.#at(path, true, async ({ directory, name }) => {
      if (name === undefined) return false;
      const info = await Deno.lstat(directory.at(name)).catch(ignoreMissing);
      if (info?.isDirectory) return false;
      if (info !== undefined) throw refused(path, "cannot be made: a file has that name");
      await Deno.mkdir(directory.at(name));
      await directory.verify();
      return true;
    });
  }

  /** Takes back directories that were made for nothing, unless something is in them by now. */
  async #removeEmpty(made: readonly StoragePath[]): Promise<void> {
    for (const path of made.toReversed()) await this.#remove(path, false).catch(() => {/* it is in use */});
  }
}

/** A file of the exporter's machine that is open. */
class FsReader implements Reader {
  readonly size: number;
  readonly #path: StoragePath;
  readonly #handle: FileHandle;

  constructor(path: StoragePath, handle: FileHandle, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.size = size;
  }

  async *read(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    for (let position = offset; position < this.size;) {
      signal.throwIfAborted();
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, this.size - position));
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, position).catch((error) => {
        throw fsError(this.#path, error);
      });
      if (bytesRead === 0) {
        throw new JumpstarterError("io", `"${formatPath(this.#path)}" was cut short while it was being read`);
      }
      position += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** What the operating system says of a path's end; a link that stands there is not followed any further. */
async function look(path: StoragePath, { directory, name }: Place): Promise<Deno.FileInfo> {
  const info = await (name === undefined ? Deno.stat(directory.path) : Deno.lstat(directory.at(name)));
  await directory.verify();
  if (path.isDirectory && info.isFile) throw nothingAt(path);
  return info;
}

/** The name of an entry that is about to be changed; the root has none. */
function nameOf(path: StoragePath, { name }: Place): string {
  if (name !== undefined) return name;
  throw refused(path, "is the root of the storage");
}
