import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { lockPart, newPartName } from "../../src/part_file.ts";
import { assertOrdinary, fsError, ignoreMissing, type Place } from "./fs_tree.ts";
import { refused, type Writer } from "./storage.ts";
import type { StoragePath } from "./storage_path.ts";

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/**
 * A file under a name of its own beside its target, which takes the target's place at the end. A loss of power leaves
 * the target as it was, or whole.
 */
export class FsWriter implements Writer {
  readonly #path: StoragePath;
  readonly #place: Place & { readonly name: string };
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #tidy: () => Promise<void>;
  #lock: Deno.FsFile | undefined;
  #isDone = false;

  private constructor(
    path: StoragePath,
    place: Place & { readonly name: string },
    [temporary, handle]: readonly [string, FileHandle],
    tidy: () => Promise<void>,
  ) {
    this.#path = path;
    this.#place = place;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#tidy = tidy;
  }

  /**
   * Begins a file.
   *
   * @param place Where it is to be; the writer's own from now on, also when this fails.
   * @param tidy Called when the file was discarded.
   */
  static async open(path: StoragePath, place: Place, tidy: () => Promise<void>): Promise<FsWriter> {
    const { directory, name } = place;
    try {
      if (name === undefined) throw refused(path, "is a directory");
      const former = await Deno.lstat(directory.at(name)).catch(ignoreMissing);
      if (former?.isDirectory) throw refused(path, "is a directory");
      assertOrdinary(path, former);
      const temporary = newPartName(name);
      const handle = await open(directory.at(temporary), O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o666);
      const writer = new FsWriter(path, { ...place, name }, [temporary, handle], tidy);
      try {
        // What Node has open cannot be locked.
        writer.#lock = await Deno.open(directory.at(temporary));
        await lockPart(writer.#lock);
        await directory.verify(temporary, await handle.stat());
        // Whoever could read or run the former file can do so with the new one.
        if (former?.isFile && former.mode !== null) await handle.chmod(former.mode & 0o777);
        return writer;
      } catch (error) {
        await writer.#discard();
        throw error;
      }
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let offset = 0; offset < bytes.length;) {
        offset += (await this.#handle.write(bytes, offset, bytes.length - offset)).bytesWritten;
      }
    } catch (error) {
      throw fsError(this.#path, error);
    }
  }

  async commit(): Promise<void> {
    const { directory, name } = this.#place;
    try {
      await this.#handle.sync();
      const written = await this.#handle.stat();
      await directory.verify(this.#temporary, written);
      await Deno.rename(directory.at(this.#temporary), directory.at(name));
      this.#isDone = true;
      await directory.verify(name, written);
      await directory.sync();
    } catch (error) {
      throw fsError(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#isDone) await this.#close();
      else await this.#discard();
    } finally {
      await this.#place[Symbol.asyncDispose]();
    }
    if (!this.#isDone) await this.#tidy();
  }

  async #close(): Promise<void> {
    this.#lock?.close();
    await this.#handle.close();
  }

  async #discard(): Promise<void> {
    await this.#close();
    await Deno.remove(this.#place.directory.at(this.#temporary)).catch(ignoreMissing);
  }
}
