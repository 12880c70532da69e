/**
 * What every kind of storage can do, and what only some can. A storage has no more methods than it means: what it
 * cannot do is not there, and {@linkcode capabilityOf} reads its abilities from that.
 */
import { JumpstarterError } from "../../src/errors.ts";
import { formatPath, type StoragePath } from "./storage_path.ts";
import type { PresignedRequest } from "./wire.ts";

/** What is known of a file or a directory. */
export interface FileStat {
  readonly kind: "file" | "directory";
  /** In bytes; 0 for a directory. */
  readonly size: number;
  readonly contentType?: string;
  readonly contentDisposition?: string;
  /** The MD5 of the content, in base64. */
  readonly contentMd5?: string;
  readonly etag?: string;
}

/** What comes at once from some storages and later from others. */
export type Soon<T> = T | Promise<T>;

/** A file that is being read. It stays what it was when it was opened, or reading it fails. */
export interface Reader extends AsyncDisposable {
  /** In bytes; absent where the storage does not say. */
  readonly size?: number;
  /** The bytes from an offset to the end. */
  read(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A file that is being written. It appears under its name once it is committed; disposed of before, it never does. */
export interface Writer extends AsyncDisposable {
  /** Makes a write that may take long fail at once, and all that come after it. */
  cut?(): void;
  /** Appends bytes; they are the caller's again when this has settled. */
  write(bytes: Uint8Array): Soon<void>;
  /** Puts the whole file in its place, over one that is there. */
  commit(): Soon<void>;
}

/** Where files are kept. Every method fails with `not_found` where there is nothing, unless it says otherwise. */
export interface Storage extends AsyncDisposable {
  /** Whether others see the same files. */
  readonly isShared: boolean;
  /** Tells of a file or a directory. */
  stat(path: StoragePath, signal: AbortSignal): Soon<FileStat>;
  /** Opens a file for reading. */
  openReader(path: StoragePath, signal: AbortSignal): Soon<Reader>;
  /** Opens a file for writing, with the directories above it. `signal` ends the opening alone. */
  openWriter?(path: StoragePath, signal: AbortSignal): Soon<Writer>;
  /** Makes a directory, with those above it; one that is there is well. */
  createDir?(path: StoragePath, signal: AbortSignal): Soon<void>;
  /** Removes a file or an empty directory; nothing there is well. */
  delete?(path: StoragePath, signal: AbortSignal): Soon<void>;
  /** Removes a file, or a directory with all that is in it; nothing there is well. */
  removeAll?(path: StoragePath, signal: AbortSignal): Soon<void>;
  /** Copies a file, over one that is there. */
  copy?(source: StoragePath, target: StoragePath, signal: AbortSignal): Soon<void>;
  /** Gives a file another name, over one that is there. */
  rename?(source: StoragePath, target: StoragePath, signal: AbortSignal): Soon<void>;
  /**
   * The paths in a directory, those of directories with a `/` at their end; all beneath it where that is asked for. A
   * file lists as itself, and nothing as nothing.
   */
  list?(path: StoragePath, isRecursive: boolean, signal: AbortSignal): AsyncIterable<string>;
  /** Signs requests of a kind; only some of them, if not all, where `presigned` says so. */
  presign?(method: PresignMethod, path: StoragePath, expireSeconds: number): Soon<PresignedRequest>;
  /** The kinds of request that `presign` signs. */
  readonly presigned?: readonly PresignMethod[];
}

/** The kinds of request that can be signed ahead: to tell of a file, to read it, to write it. */
export type PresignMethod = "HEAD" | "GET" | "PUT";

/** What a storage can do, in the terms of OpenDAL, which a client of any make knows. */
export function capabilityOf(storage: Storage): Record<string, boolean | null> {
  const canWrite = storage.openWriter !== undefined;
  const presigned = storage.presigned ?? [];
  return {
    stat: true,
    stat_with_if_match: false,
    stat_with_if_none_match: false,
    read: true,
    read_with_if_match: false,
    read_with_if_none_match: false,
    read_with_override_cache_control: false,
    read_with_override_content_disposition: false,
    read_with_override_content_type: false,
    write: canWrite,
    write_can_multi: canWrite,
    write_can_empty: canWrite,
    write_can_append: false,
    write_with_content_type: false,
    write_with_content_disposition: false,
    write_with_cache_control: false,
    write_multi_max_size: null,
    write_multi_min_size: null,
    write_total_max_size: null,
    create_dir: storage.createDir !== undefined,
    delete: storage.delete !== undefined,
    copy: storage.copy !== undefined,
    rename: storage.rename !== undefined,
    list: storage.list !== undefined,
    list_with_limit: false,
    list_with_start_after: false,
    list_with_recursive: storage.list !== undefined,
    presign: presigned.length > 0,
    presign_read: presigned.includes("GET"),
    presign_stat: presigned.includes("HEAD"),
    presign_write: presigned.includes("PUT"),
    shared: storage.isShared,
    blocking: true,
  };
}

/** Fails where `path` has nothing. */
export function nothingAt(path: StoragePath, cause?: unknown): JumpstarterError {
  const what = path.isDirectory ? "directory" : "file";
  return new JumpstarterError("not_found", `there is no ${what} "${formatPath(path)}"`, { cause });
}

/** Fails where `path` has something of another kind than is asked for, or may not be what it is. */
export function refused(path: StoragePath, reason: string, cause?: unknown): JumpstarterError {
  return new JumpstarterError("invalid_argument", `"${formatPath(path)}" ${reason}`, { cause });
}

/** Fails where a file is asked for and a directory is named. */
export function assertNamesFile(path: StoragePath): void {
  if (path.isDirectory) throw refused(path, "is a directory");
}

/** Puts the bytes of one file in another's place, and answers how many they are. */
export async function transfer(reader: Reader, writer: Writer, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const bytes of reader.read(0, signal)) {
    await writer.write(bytes);
    count += bytes.length;
  }
  signal.throwIfAborted();
  await writer.commit();
  return count;
}
