/**
 * Files in a bucket of an object store. A bucket has no directories: one is there while an object's key goes through
 * it, or when an object stands for it whose key ends with `/`.
 */
import { JumpstarterError } from "../../src/errors.ts";
import type { HttpAnswer } from "./http_exchange.ts";
import { S3Bucket, type S3Request, type S3Settings } from "./s3_bucket.ts";
import { S3Writer } from "./s3_writer.ts";
import {
  assertNamesFile,
  type FileStat,
  nothingAt,
  type PresignMethod,
  type Reader,
  refused,
  type Storage,
  transfer,
  type Writer,
} from "./storage.ts";
import { asDirectory, formatPath, parentOf, parsePath, type StoragePath } from "./storage_path.ts";
import type { PresignedRequest } from "./wire.ts";
import { xmlTexts } from "./xml_texts.ts";

/** The largest object that a store copies in one request. */
const MAX_COPY_BYTES = 5 * 1024 * 1024 * 1024;

/** How many objects are removed at a time. */
const REMOVALS_AT_ONCE = 8;

/** A page of a listing. */
interface Page {
  readonly keys: readonly string[];
  /** What the keys beneath have in common, up to the next `/`, where that was asked for. */
  readonly prefixes: readonly string[];
  readonly next: string | undefined;
}

/** The files of a bucket, or of a part of one. */
export class S3Storage implements Storage {
  readonly isShared = true;
  readonly presigned: readonly PresignMethod[] = ["HEAD", "GET", "PUT"];
  readonly #bucket: S3Bucket;
  /** What all keys begin with; empty, or with a `/` at its end. */
  readonly #prefix: string;
  readonly #warn: (message: string) => void;

  /**
   * Makes the storage; nothing is asked of the store yet.
   *
   * @param root The directory that paths start from; the bucket itself by default.
   * @param warn Told what is left behind in the bucket.
   */
  constructor(settings: S3Settings, root: string = "", warn: (message: string) => void = () => {}) {
    this.#warn = warn;
    this.#bucket = new S3Bucket(settings);
    const { names } = parsePath(root);
    this.#prefix = names.map((name) => `${name}/`).join("");
  }

  async stat(path: StoragePath, signal: AbortSignal): Promise<FileStat> {
    const headers = await this.#head(path, signal);
    if (headers !== undefined) return toStat(path, headers);
    if (await this.#isDirectory(path, signal)) return { kind: "directory", size: 0 };
    throw nothingAt(path);
  }

  async openReader(path: StoragePath, signal: AbortSignal): Promise<Reader> {
    assertNamesFile(path);
    const headers = await this.#head(path, signal);
    if (headers === undefined) throw await this.#noFile(path, signal);
    const { size, etag } = toStat(path, headers);
    return {
      size,
      read: (offset, signal) => this.#read(path, offset, size, etag, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async openWriter(path: StoragePath, signal: AbortSignal): Promise<Writer> {
    await this.#assertFitsFile(path, signal);
    return new S3Writer(this.#bucket, this.#key(path), this.#warn);
  }

  async createDir(path: StoragePath, signal: AbortSignal): Promise<void> {
    await this.#assertNoFileAbove(asDirectory(path), signal);
    if (path.names.length > 0) await this.#ask({ method: "PUT", key: this.#key(asDirectory(path)) }, signal);
  }

  async delete(path: StoragePath, signal: AbortSignal): Promise<void> {
    if (path.names.length === 0) throw refused(path, "is the root of the storage");
    if (!path.isDirectory && await this.#head(path, signal) !== undefined) return await this.#remove(path, signal);
    const marker = this.#key(asDirectory(path));
    const { keys } = await this.#page(marker, { "max-keys": "2" }, signal);
    if (keys.some((key) => key !== marker)) throw refused(path, "is a directory that is not empty");
    await this.#remove(asDirectory(path), signal);
  }

  async removeAll(path: StoragePath, signal: AbortSignal): Promise<void> {
    if (!path.isDirectory) await this.#remove(path, signal);
    for await (const { keys } of this.#pages(this.#key(asDirectory(path)), {}, signal)) {
      const left = [...keys];
      const removeSome = async () => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) {
          await this.#ask({ method: "DELETE", key }, signal);
        }
      };
      await Promise.all(Array.from({ length: REMOVALS_AT_ONCE }, removeSome));
    }
  }

  async copy(source: StoragePath, target: StoragePath, signal: AbortSignal): Promise<void> {
    await using reader = await this.openReader(source, signal);
    await this.#assertFitsFile(target, signal);
    if ((reader.size ?? 0) > MAX_COPY_BYTES) {
      await using writer = new S3Writer(this.#bucket, this.#key(target), this.#warn);
      await transfer(reader, writer, signal);
      return;
    }
    const headers = { "x-amz-copy-source": this.#bucket.copySource(this.#key(source)) };
    await this.#bucket.askDocument({ method: "PUT", key: this.#key(target), headers }, signal);
  }

  /** A store renames nothing itself: the file is copied, and then removed under its former name. */
  async rename(source: StoragePath, target: StoragePath, signal: AbortSignal): Promise<void> {
    if (source.isDirectory || await this.#head(source, signal) === undefined) {
      if (!await this.#isDirectory(source, signal)) throw nothingAt(source);
      const message = `"${formatPath(source)}" is a directory, and the storage (s3) renames files alone`;
      throw new JumpstarterError("unimplemented", message);
    }
    await this.copy(source, target, signal);
    await this.#remove(source, signal);
  }

  async *list(path: StoragePath, isRecursive: boolean, signal: AbortSignal): AsyncIterable<string> {
    if (!path.isDirectory && await this.#head(path, signal) !== undefined) return yield formatPath(path);
    const prefix = this.#directoryKey(path);
    for await (const page of this.#pages(prefix, isRecursive ? {} : { delimiter: "/" }, signal)) {
      for (const key of [...page.keys, ...page.prefixes].sort()) {
        if (key !== prefix) yield key.slice(this.#prefix.length);
      }
    }
  }

  presign(method: PresignMethod, path: StoragePath, expireSeconds: number): Promise<PresignedRequest> {
    assertNamesFile(path);
    return this.#bucket.presign(method, this.#key(path), expireSeconds);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async *#read(
    path: StoragePath,
    offset: number,
    size: number,
    etag: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    if (offset >= size) return;
    const headers = {
      ...(etag === undefined ? {} : { "if-match": etag }),
      ...(offset > 0 ? { range: `bytes=${offset}-` } : {}),
    };
    const changed = () => new JumpstarterError("io", `"${formatPath(path)}" was changed while it was being read`);
    const answer = await this.#bucket.ask(
      { method: "GET", key: this.#key(path), headers },
      signal,
      ({ status }) => [404, 412, 416].includes(status) ? changed() : undefined,
    );
    let position = offset;
    if ((answer.headers.get("etag") ?? undefined) !== etag || (offset > 0 && answer.status !== 206)) {
      await answer.discard();
      throw changed();
    }
    for await (const bytes of answer.bytes()) {
      position += bytes.length;
      yield bytes;
    }
    if (position !== size) {
      throw new JumpstarterError("io", `"${formatPath(path)}" came with ${position} of its ${size} bytes`);
    }
  }

  /** What the store says of an object; nothing where there is none. */
  async #head(path: StoragePath, signal: AbortSignal): Promise<Headers | undefined> {
    return path.isDirectory ? undefined : await this.#bucket.find(this.#key(path), signal);
  }

  async #isDirectory(path: StoragePath, signal: AbortSignal): Promise<boolean> {
    if (path.names.length === 0) return true;
    return (await this.#page(this.#key(asDirectory(path)), { "max-keys": "1" }, signal)).keys.length > 0;
  }

  async #noFile(path: StoragePath, signal: AbortSignal): Promise<JumpstarterError> {
    return await this.#isDirectory(path, signal) ? refused(path, "is a directory") : nothingAt(path);
  }

  /**
   * A bucket would take a file beneath a file; then neither is what it is elsewhere. Who may write and not look is not
   * held to it.
   */
  async #assertFitsFile(path: StoragePath, signal: AbortSignal): Promise<void> {
    assertNamesFile(path);
    const assertNoDirectory = async () => {
      if (await this.#isDirectory(path, signal)) throw refused(path, "is a directory");
    };
    const checks = [assertNoDirectory(), this.#assertNoFileAbove(parentOf(path), signal)];
    await Promise.all(checks.map((check) =>
      check.catch((error) => {
        if (!(error instanceof JumpstarterError) || error.code !== "io") throw error;
      })
    ));
  }

  async #assertNoFileAbove(directory: StoragePath, signal: AbortSignal): Promise<void> {
    const above = directory.names.map((_, index) => directory.names.slice(0, index + 1));
    await Promise.all(above.map(async (names) => {
      const path = { names, isDirectory: false };
      if (await this.#head(path, signal) !== undefined) throw refused(path, "cannot be made: a file has that name");
    }));
  }

  async #remove(path: StoragePath, signal: AbortSignal): Promise<void> {
    await this.#ask({ method: "DELETE", key: this.#key(path) }, signal);
  }

  async #ask(request: S3Request, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#bucket.ask(request, signal);
    await answer.discard();
    return answer;
  }

  async *#pages(prefix: string, query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncIterable<Page> {
    let next: string | undefined;
    do {
      const page = await this.#page(
        prefix,
        next === undefined ? query : { ...query, "continuation-token": next },
        signal,
      );
      yield page;
      next = page.next;
    } while (next !== undefined);
  }

  async #page(prefix: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Page> {
    const all = { "list-type": "2", "encoding-type": "url", ...(prefix === "" ? {} : { prefix }), ...query };
    const document = await this.#bucket.askDocument({ method: "GET", query: all }, signal);
    const isEncoded = xmlTexts(document, "EncodingType")[0] === "url";
    const decode = (text: string) => isEncoded ? decodeURIComponent(text.replaceAll("+", " ")) : text;
    const isTruncated = xmlTexts(document, "IsTruncated")[0] === "true";
    return {
      keys: xmlTexts(document, "Key").map(decode),
      prefixes: commonPrefixes(document).map(decode),
      next: isTruncated ? xmlTexts(document, "NextContinuationToken")[0] : undefined,
    };
  }

  #directoryKey(path: StoragePath): string {
    return path.names.length === 0 ? this.#prefix : this.#key(asDirectory(path));
  }

  #key(path: StoragePath): string {
    return path.names.length === 0 ? this.#prefix : this.#prefix + formatPath(path);
  }
}

function commonPrefixes(document: string): string[] {
  const elements = document.matchAll(/<CommonPrefixes>([^]*?)<\/CommonPrefixes>/g);
  return [...elements].flatMap(([, element = ""]) => xmlTexts(element, "Prefix"));
}

function toStat(path: StoragePath, headers: Headers): FileStat {
  const header = (name: string) => headers.get(name) ?? undefined;
  const length = header("content-length");
  if (length === undefined) {
    throw new JumpstarterError("io", `the store does not say how long "${formatPath(path)}" is`);
  }
  return {
    kind: "file",
    size: Number(length),
    contentType: header("content-type"),
    contentDisposition: header("content-disposition"),
    etag: header("etag"),
  };
}
