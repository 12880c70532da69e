/**
 * Files that are there as a whole or not at all.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { lockPart, newPartName, removeLeftParts } from "./part_file.ts";

/**
 * A file that is written under a temporary name beside its target, and takes the target's name when it is complete.
 * Until then, and for ever if it is not committed, the target is what it was before: somebody else's whole file, or
 * nothing. A kill of this program leaves at most the temporary file, which begins with a dot and ends with `.part`; the
 * next of these files in the same directory takes it away.
 */
export class AtomicFile implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #target: string;
  readonly #temporary: string;
  #isOpen = true;
  #isDone = false;

  private constructor(file: Deno.FsFile, target: string, temporary: string) {
    this.#file = file;
    this.#target = target;
    this.#temporary = temporary;
  }

  /**
   * Begins to write what `path` is to become. A symbolic link stays, and the file that it leads to is replaced; a
   * file that is replaced hands its permissions on.
   *
   * @param options `mode`: the permissions of a file that is new, 0o666 without the umask's bits by default.
   * @throws What `Deno.open` throws, such as `NotFound` where the directory does not exist.
   */
  static async create(path: string, { mode }: { mode?: number } = {}): Promise<AtomicFile> {
    const target = await Deno.realPath(path).catch(() => path);
    const replaced = await Deno.stat(target).catch(() => undefined);
    if (replaced?.isDirectory) throw new Deno.errors.IsADirectory(`Is a directory: ${path}`);
    await removeLeftParts(dirname(target));
    const temporary = join(dirname(target), newPartName(basename(target)));
    const file = await Deno.open(temporary, { write: true, createNew: true, mode });
    await lockPart(file);
    if (replaced?.mode) {
      await Deno.chmod(temporary, replaced.mode & 0o7777).catch(() => {/* the file system keeps none */});
    }
    return new AtomicFile(file, target, temporary);
  }

  /** Writes all of `bytes`. */
  write(bytes: Uint8Array): Promise<void> {
    return writeWhole(this.#file, bytes);
  }

  /**
   * Brings the bytes to the disk and gives the file its name. When that fails, what was written is discarded.
   *
   * @throws What the system says, such as that the disk is full.
   */
  async commit(): Promise<void> {
    try {
      await this.#file.sync();
      // Still open, and so locked: until then others could take it for one that was left.
      await Deno.rename(this.#temporary, this.#target);
      this.#isDone = true;
    } finally {
      await this[Symbol.asyncDispose]();
    }
    await syncDirectory(dirname(this.#target));
  }

  /** The same as a stream: closing it commits, aborting it discards. */
  get writable(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      write: (bytes) => this.write(bytes),
      close: () => this.commit(),
      abort: () => this[Symbol.asyncDispose](),
    });
  }

  /** Discards what was written, unless it was committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    if (this.#isDone) return;
    this.#isDone = true;
    await Deno.remove(this.#temporary).catch(() => {/* it has gone, or goes with the next one */});
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

/** Writes all of `bytes`, of which a file may take a part at a time. */
export async function writeWhole(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
}

/** Makes a rename last through a power cut, where the system lets directories be opened for that. */
async function syncDirectory(path: string): Promise<void> {
  try {
    using directory = await Deno.open(path);
    await directory.sync();
  } catch {
    // Not possible here, or not allowed to us: the file itself is whole.
  }
}
