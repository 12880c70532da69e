import { JumpstarterError } from "../../src/errors.ts";
import { type OpenFile, ReadableFile, WritableFile } from "./open_file.ts";

/** How many files may be open at a time, of all clients together. */
export const MAX_OPEN_FILES = 256;

/** How many closed ones a client can still ask after. */
const MAX_CLOSED_FILES = 1_024;

/** A file, and what ends with it. */
interface Entry {
  readonly file: OpenFile;
  forget(): void;
}

/** Whoever is to know of files whose clients have gone. */
export interface FileWatcher {
  /** A half-written file is discarded. */
  discarded(name: string): void;
  /** A file cannot be closed, or something of it cannot be removed. */
  stuck(name: string, error: unknown): void;
}

/** The files that clients have opened, by handle. They go when their client does, and those half written with it. */
export class FileTable implements AsyncDisposable {
  readonly #entries = new Map<string, Entry>();
  readonly #freeing = new Set<Promise<void>>();
  readonly #watcher: FileWatcher;
  #reserved = 0;

  /** @param watcher Told of the files that were still open when their clients went. */
  constructor(watcher: FileWatcher) {
    this.#watcher = watcher;
  }

  /** Keeps room for a file until it is added, or will not be. */
  reserve(): Disposable {
    const open = [...this.#entries.values()].filter(({ file }) => !file.isClosed).length;
    if (open + this.#reserved >= MAX_OPEN_FILES) {
      throw new JumpstarterError("io", `${MAX_OPEN_FILES} files are open, and no more may be: close some`);
    }
    this.#reserved++;
    return { [Symbol.dispose]: () => void this.#reserved-- };
  }

  /** Takes a file; answers its handle. */
  add(file: OpenFile, clientGone: AbortSignal): string {
    const handle = crypto.randomUUID();
    const gone = () => this.#free(handle);
    this.#entries.set(handle, { file, forget: () => clientGone.removeEventListener("abort", gone) });
    if (clientGone.aborted) gone();
    else clientGone.addEventListener("abort", gone, { once: true });
    this.#forgetClosed();
    return handle;
  }

  /** The file of a handle, open or closed. */
  file(handle: string): OpenFile {
    const entry = this.#entries.get(handle.toLowerCase());
    if (entry !== undefined) return entry.file;
    throw new JumpstarterError("not_found", `there is no open file ${handle}: it is closed, or of another client`);
  }

  /** The file of a handle, when it is open for reading. */
  readable(handle: string): ReadableFile {
    const file = this.file(handle);
    if (file instanceof ReadableFile) return file;
    throw new JumpstarterError("invalid_argument", `the file "${file.name}" is open for writing, and not for reading`);
  }

  /** The file of a handle, when it is open for writing. */
  writable(handle: string): WritableFile {
    const file = this.file(handle);
    if (file instanceof WritableFile) return file;
    throw new JumpstarterError("invalid_argument", `the file "${file.name}" is open for reading, and not for writing`);
  }

  /** Closes all files; what is half written is gone then. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of this.#entries.keys()) this.#free(handle);
    await Promise.all(this.#freeing);
  }

  #free(handle: string): void {
    const entry = this.#entries.get(handle);
    if (entry === undefined) return;
    this.#entries.delete(handle);
    entry.forget();
    const freeing = this.#discard(entry.file).finally(() => this.#freeing.delete(freeing));
    this.#freeing.add(freeing);
  }

  async #discard(file: OpenFile): Promise<void> {
    try {
      const wasOpen = await file.discard();
      if (wasOpen && file instanceof WritableFile) this.#watcher.discarded(file.name);
    } catch (error) {
      this.#watcher.stuck(file.name, error);
    }
  }

  #forgetClosed(): void {
    const closed = [...this.#entries].filter(([, { file }]) => file.isClosed);
    for (const [handle, { forget }] of closed.slice(0, Math.max(0, closed.length - MAX_CLOSED_FILES))) {
      forget();
      this.#entries.delete(handle);
    }
  }
}
