/**
 * Files in the exporter's memory, which go with it.
 */
import { JumpstarterError } from "../../src/errors.ts";
import {
  assertNamesFile,
  type FileStat,
  nothingAt,
  type Reader,
  refused,
  type Storage,
  type Writer,
} from "./storage.ts";
import { asDirectory, formatPath, parentOf, type StoragePath } from "./storage_path.ts";

/** How much all files together may hold, those included that are being written. */
export const MEMORY_LIMIT_BYTES: number = 1024 * 1024 * 1024;

/** The size of the pieces that files are kept in. */
const BLOCK_BYTES = 256 * 1024;

/** A file, in pieces that are never changed. */
interface MemoryFile {
  readonly blocks: readonly Uint8Array[];
  readonly size: number;
}

/** Files in memory. Needs no permission. */
export class MemoryStorage implements Storage {
  readonly isShared = false;
  readonly #files = new Map<string, MemoryFile>();
  /** The directories that were made as such; a file's are there with it. */
  readonly #directories = new Set<string>();
  readonly #limit: number;
  #used = 0;

  /** Makes an empty storage, of 1 GiB by default. */
  constructor(limitBytes: number = MEMORY_LIMIT_BYTES) {
    this.#limit = limitBytes;
  }

  stat(path: StoragePath): FileStat {
    const file = path.isDirectory ? undefined : this.#files.get(formatPath(path));
    if (file !== undefined) return { kind: "file", size: file.size };
    if (this.#isDirectory(path)) return { kind: "directory", size: 0 };
    throw nothingAt(path);
  }

  openReader(path: StoragePath): Reader {
    const { blocks, size } = this.#file(path);
    return {
      size,
      async *read(offset, signal) {
        let start = 0;
        for (const block of blocks) {
          signal.throwIfAborted();
          const skipped = Math.max(0, offset - start);
          start += block.length;
          // A copy, since it is the reader's own.
          if (skipped < block.length) yield await Promise.resolve(block.slice(skipped));
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  openWriter(path: StoragePath): Writer {
    this.#assertFitsFile(path);
    const blocks: Uint8Array[] = [];
    let size = 0, isDone = false;
    return {
      write: (bytes) => {
        this.#claim(bytes.length);
        append(blocks, size, bytes);
        size += bytes.length;
      },
      commit: () => {
        this.#assertFitsFile(path);
        const last = blocks.pop();
        if (last !== undefined) blocks.push(last.slice(0, size - blocks.length * BLOCK_BYTES));
        this.#put(formatPath(path), { blocks, size });
        isDone = true;
      },
      [Symbol.asyncDispose]: () => {
        if (!isDone) this.#used -= size;
        isDone = true;
        return Promise.resolve();
      },
    };
  }

  createDir(path: StoragePath): void {
    this.#assertNoFileAbove(asDirectory(path));
    if (path.names.length > 0) this.#directories.add(prefixOf(path));
  }

  delete(path: StoragePath): void {
    if (path.names.length === 0) throw refused(path, "is the root of the storage");
    if (!path.isDirectory && this.#files.has(formatPath(path))) return this.#drop(formatPath(path));
    if (this.#below(prefixOf(path)).length > 0) throw refused(path, "is a directory that is not empty");
    this.#directories.delete(prefixOf(path));
  }

  removeAll(path: StoragePath): void {
    if (!path.isDirectory) this.#drop(formatPath(path));
    for (const name of this.#below(prefixOf(path))) {
      this.#drop(name);
      this.#directories.delete(name);
    }
    this.#directories.delete(prefixOf(path));
  }

  copy(source: StoragePath, target: StoragePath): void {
    const file = this.#file(source);
    this.#assertFitsFile(target);
    this.#claim(file.size);
    this.#put(formatPath(target), file);
  }

  rename(source: StoragePath, target: StoragePath): void {
    const from = prefixOf(source), to = prefixOf(target);
    if (!source.isDirectory && this.#files.has(formatPath(source))) {
      this.#assertFitsFile(target);
      return this.#move(formatPath(source), formatPath(target));
    }
    if (!this.#isDirectory(source)) throw nothingAt(source);
    if (this.#below(to).length > 0) throw refused(target, "is a directory that is not empty");
    this.#assertNoFileAbove(asDirectory(target));
    for (const name of [from, ...this.#below(from)]) this.#move(name, to + name.slice(from.length));
  }

  async *list(path: StoragePath, isRecursive: boolean): AsyncIterable<string> {
    if (!path.isDirectory && this.#files.has(formatPath(path))) return yield formatPath(path);
    const prefix = prefixOf(path);
    const found = this.#below(prefix).map((name) => {
      const end = isRecursive ? -1 : name.indexOf("/", prefix.length);
      return end === -1 ? name : name.slice(0, end + 1);
    });
    yield* [...new Set(found)].sort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#files.clear();
    return Promise.resolve();
  }

  #file(path: StoragePath): MemoryFile {
    assertNamesFile(path);
    const file = this.#files.get(formatPath(path));
    if (file !== undefined) return file;
    throw this.#isDirectory(path) ? refused(path, "is a directory") : nothingAt(path);
  }

  /** Puts a file in its place, whose bytes are already counted. */
  #put(name: string, file: MemoryFile): void {
    this.#drop(name);
    this.#files.set(name, file);
  }

  #move(from: string, to: string): void {
    const file = this.#files.get(from);
    if (this.#directories.delete(from)) this.#directories.add(to);
    if (file === undefined || from === to) return;
    this.#files.delete(from);
    this.#put(to, file);
  }

  #drop(name: string): void {
    this.#used -= this.#files.get(name)?.size ?? 0;
    this.#files.delete(name);
  }

  #isDirectory(path: StoragePath): boolean {
    const prefix = prefixOf(path);
    return prefix === "" || this.#directories.has(prefix) || this.#below(prefix).length > 0;
  }

  /** All that is in a directory, at whatever depth. */
  #below(prefix: string): string[] {
    return [...this.#files.keys(), ...this.#directories].filter((name) => name.startsWith(prefix) && name !== prefix);
  }

  #assertFitsFile(path: StoragePath): void {
    assertNamesFile(path);
    if (this.#isDirectory(path)) throw refused(path, "is a directory");
    this.#assertNoFileAbove(parentOf(path));
  }

  #assertNoFileAbove(directory: StoragePath): void {
    for (let above = directory; above.names.length > 0; above = parentOf(above)) {
      if (this.#files.has(above.names.join("/"))) throw refused(above, "cannot be made: a file has that name");
    }
  }

  #claim(bytes: number): void {
    if (this.#used + bytes > this.#limit) {
      throw new JumpstarterError("io", `the exporter's memory storage is full: it holds ${this.#limit} bytes at most`);
    }
    this.#used += bytes;
  }
}

/** What all paths in a directory begin with. */
function prefixOf(path: StoragePath): string {
  return path.names.length === 0 ? "" : formatPath(asDirectory(path));
}

/** Adds bytes to the blocks of a file that has `size` bytes so far. They are copied, since they are the caller's. */
function append(blocks: Uint8Array[], size: number, bytes: Uint8Array): void {
  for (let taken = 0; taken < bytes.length;) {
    const start = (size + taken) % BLOCK_BYTES;
    if (start === 0) blocks.push(new Uint8Array(BLOCK_BYTES));
    const piece = bytes.subarray(taken, taken + BLOCK_BYTES - start);
    blocks.at(-1)?.set(piece, start);
    taken += piece.length;
  }
}
