import { createHash } from "node:crypto";
import type { CallContext } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Logger } from "../../src/log.ts";
import { reasonOf } from "../../src/private_files.ts";
import { CreatedPaths } from "./created_paths.ts";
import { FileTable } from "./file_table.ts";
import { type OpenFile, ReadableFile, WritableFile } from "./open_file.ts";
import { type FileStat, type PresignMethod, refused, type Storage } from "./storage.ts";
import { asDirectory, formatPath, isSamePlace, isWithin, parentOf, type StoragePath } from "./storage_path.ts";
import type { HashAlgorithm, OpenMode, PresignedRequest } from "./wire.ts";

/** What a device is made of. */
export interface DeviceParts {
  /** Its name in the config. */
  readonly scheme: string;
  readonly storage: Storage;
  /** Whether what clients have made goes when the device does. */
  readonly removesCreated: boolean;
  readonly log: Logger;
}

/** How long taking away what clients have made may take. */
const REMOVAL_LIMIT_MS = 30_000;

/** The longest that a signed request can hold, in seconds: a week. */
const MAX_EXPIRE_SECONDS = 604_800;

/** What a storage may lack, as it is said of one that does. */
const ABILITIES = {
  openWriter: "takes no files",
  createDir: "has no directories to make",
  delete: "deletes nothing",
  removeAll: "deletes nothing",
  copy: "copies nothing",
  rename: "renames nothing",
  list: "cannot be listed",
  presign: "signs no such requests",
} as const;

/** A storage, the files that clients have open in it, and what they have made. */
export class OpendalDevice implements AsyncDisposable {
  readonly #parts: DeviceParts;
  readonly #created = new CreatedPaths();
  /** The files that clients have open. */
  readonly files: FileTable;

  /** Makes the device of a storage, which is its own from now on. */
  constructor(parts: DeviceParts) {
    this.#parts = parts;
    const { log } = parts;
    this.files = new FileTable({
      discarded: (name) => log.info(`"${name}" was discarded: its client went before closing it`),
      stuck: (name, error) => log.warning(`cannot let go of "${name}", whose client has gone: ${reasonOf(error)}`),
    });
  }

  /** The storage, for what it can do by itself. */
  get storage(): Storage {
    return this.#parts.storage;
  }

  /** What clients have made so far, as paths without a `/` at either end. */
  get created(): string[] {
    return this.#created.told;
  }

  /** Opens a file for its client; answers its handle. */
  async open(path: StoragePath, mode: OpenMode, { signal, clientGone }: CallContext): Promise<string> {
    using _room = this.files.reserve();
    const file = await this.#openFile(path, mode, signal);
    if (!signal.aborted) return this.files.add(file, clientGone);
    await file.discard(); // nobody hears of its handle
    throw signal.reason;
  }

  async #openFile(path: StoragePath, mode: OpenMode, signal: AbortSignal): Promise<OpenFile> {
    const name = formatPath(path);
    if (mode === "rb") return new ReadableFile(name, await this.storage.openReader(path, signal));
    const parents = await this.#missingAbove(path, signal);
    const writer = await this.#able("openWriter")(path, signal);
    return new WritableFile(name, writer, () => this.#created.add(path, parents));
  }

  /** The hash of a file's content, in hexadecimal. */
  async hash(path: StoragePath, algorithm: HashAlgorithm, signal: AbortSignal): Promise<string> {
    await using reader = await this.storage.openReader(path, signal);
    const hash = createHash(algorithm);
    for await (const bytes of reader.read(0, signal)) hash.update(bytes);
    return hash.digest("hex");
  }

  /** Whether there is a file or a directory. */
  async exists(path: StoragePath, signal: AbortSignal): Promise<boolean> {
    return await this.#find(path, signal) !== undefined;
  }

  /** Copies a file. */
  async copy(source: StoragePath, target: StoragePath, signal: AbortSignal): Promise<void> {
    if (isSamePlace(source, target)) throw refused(source, "is its own target");
    const parents = await this.#missingAbove(target, signal);
    await this.#able("copy")(source, target, signal);
    this.#created.add(target, parents);
  }

  /** Gives a file another name. */
  async rename(source: StoragePath, target: StoragePath, signal: AbortSignal): Promise<void> {
    if (isSamePlace(source, target)) throw refused(source, "is its own target");
    if (isWithin(target, source)) throw refused(source, "cannot be moved into itself");
    const parents = await this.#missingAbove(target, signal);
    await this.#able("rename")(source, target, signal);
    this.#created.move(source, target, parents);
  }

  /** Makes a directory. */
  async createDir(path: StoragePath, signal: AbortSignal): Promise<void> {
    const parents = await this.#missingAbove(path, signal);
    const wasThere = this.#parts.removesCreated && await this.exists(asDirectory(path), signal);
    await this.#able("createDir")(path, signal);
    this.#created.add(asDirectory(path), parents, !wasThere);
  }

  /** Removes a file or an empty directory. */
  async delete(path: StoragePath, signal: AbortSignal): Promise<void> {
    await this.#able("delete")(path, signal);
    this.#created.remove(path);
  }

  /** Removes a path with all that is in it. */
  async removeAll(path: StoragePath, signal: AbortSignal): Promise<void> {
    await this.#able("removeAll")(path, signal);
    this.#created.remove(path);
  }

  /** The paths in a directory. */
  list(path: StoragePath, isRecursive: boolean, signal: AbortSignal): AsyncIterable<string> {
    return this.#able("list")(path, isRecursive, signal);
  }

  /** Notes a path that a client has made by other means. */
  register(path: StoragePath): void {
    this.#created.add(path);
  }

  /** Signs a request for whoever is to make it. */
  async presign(method: PresignMethod, path: StoragePath, expireSeconds: number): Promise<PresignedRequest> {
    const presign = this.#able("presign");
    if (!this.storage.presigned?.includes(method)) throw this.#unable("presign");
    if (expireSeconds < 1 || expireSeconds > MAX_EXPIRE_SECONDS) {
      const message = `a signed request holds for 1 to ${MAX_EXPIRE_SECONDS} seconds, not ${expireSeconds}`;
      throw new JumpstarterError("invalid_argument", message);
    }
    return await presign(method, path, expireSeconds);
  }

  /** Closes all files, and takes away what clients have made where that is wanted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await using _storage = this.storage;
    await this.files[Symbol.asyncDispose]();
    if (this.#parts.removesCreated) await this.#removeCreated();
  }

  async #removeCreated(): Promise<void> {
    const { log } = this.#parts;
    const signal = AbortSignal.timeout(REMOVAL_LIMIT_MS);
    for (const { path, isWhole } of this.#created.owned) {
      try {
        await this.#able(isWhole ? "removeAll" : "delete")(path, signal);
        log.debug(`removed "${formatPath(path)}", which a client has made`);
      } catch (error) {
        const reason = reasonOf(error);
        // A directory that has come with a file stays when something else is in it by now.
        if (isWhole) log.warning(`cannot remove "${formatPath(path)}", which a client has made: ${reason}`);
      }
    }
  }

  /** The directories above a path that are not there, where it will matter at the end. */
  async #missingAbove(path: StoragePath, signal: AbortSignal): Promise<StoragePath[]> {
    const missing: StoragePath[] = [];
    for (let above = parentOf(path); this.#parts.removesCreated && above.names.length > 0; above = parentOf(above)) {
      if (await this.exists(above, signal)) break;
      missing.push(above);
    }
    return missing;
  }

  async #find(path: StoragePath, signal: AbortSignal): Promise<FileStat | undefined> {
    try {
      return await this.storage.stat(path, signal);
    } catch (error) {
      if (error instanceof JumpstarterError && error.code === "not_found") return undefined;
      throw error;
    }
  }

  /** What only some storages can do. */
  #able<Name extends keyof typeof ABILITIES>(name: Name): NonNullable<Storage[Name]> {
    const method = this.storage[name];
    if (method === undefined) throw this.#unable(name);
    return method.bind(this.storage) as NonNullable<Storage[Name]>;
  }

  #unable(name: keyof typeof ABILITIES): JumpstarterError {
    return new JumpstarterError("unimplemented", `the storage (${this.#parts.scheme}) ${ABILITIES[name]}`);
  }
}
