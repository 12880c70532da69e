import { AtomicFile } from "../../src/atomic_file.ts";
import { type CallOptions, DriverClient, type RemoteFile, type TransferOptions } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { fileStream } from "../../src/file_stream.ts";
import type { Json } from "../../src/json.ts";
import { openFile } from "../../src/open_file.ts";
import { parseFileUrl } from "../../src/remote_file.ts";
import { unlessGivenUp } from "./given_up.ts";
import { type FileContent, OpendalFile } from "./opendal_file.ts";
import { explained } from "./peer_error.ts";
import type { HashAlgorithm, OpenMode, PresignedRequest } from "./wire.ts";

/** What a storage knows of a file or a directory. */
export interface Metadata {
  /** Whether it is a file. */
  readonly isFile: boolean;
  /** Whether it is a directory. */
  readonly isDirectory: boolean;
  /** How many bytes a file has. */
  readonly contentLength: number;
  /** The media type, where the storage keeps one. */
  readonly contentType?: string;
  /** How a browser is to present the file, where the storage says so. */
  readonly contentDisposition?: string;
  /** The MD5 of the content in base64, where the storage knows it. */
  readonly contentMd5?: string;
  /** What changes with the content, where the storage keeps such a thing. */
  readonly etag?: string;
}

/** Keeps files at the exporter. Paths start at the storage's root, and end with `/` where they name a directory. */
export class OpendalClient extends DriverClient {
  /** Opens a file. It is closed when this client goes, and one that is being written is not kept then. */
  async open(path: string, mode: OpenMode, options?: CallOptions): Promise<OpendalFile> {
    const fileOf = (handle: Json) => new OpendalFile(this, path, mode, handle);
    // A file that the exporter opens for somebody who has given up would stay open, and it opens so many only.
    const close = (handle: Json) => void fileOf(handle)[Symbol.asyncDispose]();
    return fileOf(await unlessGivenUp(() => this.call("open", [path, mode]), close, options));
  }

  /**
   * Writes a file. It is there when all of it has come, and stays what it was otherwise. A stream is used up either way.
   */
  async write(path: string, content: FileContent, options?: TransferOptions): Promise<void> {
    const limits = callOptions(options);
    try {
      await using file = await this.open(path, "wb", limits);
      await file.write(content, options);
      await file.close(limits);
    } finally {
      if (content instanceof ReadableStream && !content.locked) await content.cancel();
    }
  }

  /** Sends a file to a stream, or has the exporter put it to a URL. */
  async read(path: string, sink: WritableStream<Uint8Array> | RemoteFile, options?: TransferOptions): Promise<void> {
    await using file = await this.open(path, "rb", callOptions(options));
    await file.read(sink, options);
  }

  /** Writes a file from bytes, or from a text as UTF-8. */
  writeBytes(path: string, bytes: Uint8Array | string, options?: TransferOptions): Promise<void> {
    return this.write(path, bytes, options);
  }

  /** All bytes of a file. */
  async readBytes(path: string, options?: TransferOptions): Promise<Uint8Array> {
    await using file = await this.open(path, "rb", callOptions(options));
    return await file.readBytes(options);
  }

  /** Writes a file from one on this machine, or from a URL, which the exporter fetches by itself. */
  async writeFromPath(target: string, source: string, options?: TransferOptions): Promise<void> {
    if (parseFileUrl(source) !== undefined) return await this.write(target, { url: source }, options);
    await this.write(target, fileStream(await openFile(source, { read: true }, options?.signal)), options);
  }

  /** Reads a file into one on this machine, which is there when it is whole, or has the exporter put it to a URL. */
  async readIntoPath(source: string, target: string, options?: TransferOptions): Promise<void> {
    if (parseFileUrl(target) !== undefined) return await this.read(source, { url: target }, options);
    await using file = await AtomicFile.create(target);
    await this.read(source, file.writable, options);
  }

  /** Tells of a file or a directory. */
  async stat(path: string, options?: CallOptions): Promise<Metadata> {
    return parseMetadata(await this.call("stat", [path], options));
  }

  /** Whether there is a file or a directory. */
  async exists(path: string, options?: CallOptions): Promise<boolean> {
    return await this.call("exists", [path], options) === true;
  }

  /** The hash of a file's content in hexadecimal, made at the exporter. */
  async hash(path: string, algorithm: HashAlgorithm = "sha256", options?: CallOptions): Promise<string> {
    return asText(await this.call("hash", [path, algorithm], options));
  }

  /** Copies a file, over one that is there. */
  async copy(source: string, target: string, options?: CallOptions): Promise<void> {
    await this.call("copy", [source, target], options);
  }

  /** Gives a file another name, over one that is there. */
  async rename(source: string, target: string, options?: CallOptions): Promise<void> {
    await this.call("rename", [source, target], options);
  }

  /** Makes a directory, with those above it. */
  async createDir(path: string, options?: CallOptions): Promise<void> {
    await this.call("create_dir", [path.endsWith("/") ? path : `${path}/`], options);
  }

  /** Removes a file or an empty directory; nothing there is well. */
  async delete(path: string, options?: CallOptions): Promise<void> {
    await this.call("delete", [path], options);
  }

  /**
   * Removes a file, or a directory with all that is in it. An exporter in Python takes a path without a `/` at its end
   * for the beginning of names, and removes all that begin so.
   */
  async removeAll(path: string, options?: CallOptions): Promise<void> {
    await this.call("remove_all", [path], options);
  }

  /** The paths in a directory; those of directories end with `/`. */
  async *list(path: string, options?: CallOptions): AsyncIterable<string> {
    for await (const found of this.callStream("list", [path], options)) yield asText(found);
  }

  /** The paths in a directory and in all directories beneath it. */
  async *scan(path: string, options?: CallOptions): AsyncIterable<string> {
    for await (const found of this.callStream("scan", [path], options)) yield asText(found);
  }

  /** Signs a request that tells of a file, for so many seconds. */
  async presignStat(path: string, expireSeconds: number, options?: CallOptions): Promise<PresignedRequest> {
    return parseRequest(await this.call("presign_stat", [path, expireSeconds], options));
  }

  /** Signs a request that reads a file, for so many seconds. */
  async presignRead(path: string, expireSeconds: number, options?: CallOptions): Promise<PresignedRequest> {
    return parseRequest(await this.call("presign_read", [path, expireSeconds], options));
  }

  /** Signs a request that writes a file, for so many seconds. */
  async presignWrite(path: string, expireSeconds: number, options?: CallOptions): Promise<PresignedRequest> {
    return parseRequest(await this.call("presign_write", [path, expireSeconds], options));
  }

  /** What the storage can do, in the terms of OpenDAL, such as `rename` and `presign_read`. */
  async capability(options?: CallOptions): Promise<Readonly<Record<string, boolean | number | null>>> {
    return asMapping(await this.call("capability", [], options)) as Record<string, boolean | number | null>;
  }

  /** The paths that clients have made since the exporter started, without a `/` at either end. */
  async createdResources(options?: CallOptions): Promise<string[]> {
    const paths = await this.call("get_created_resources", [], options);
    if (Array.isArray(paths)) return paths.map(asText);
    throw unexpected(paths);
  }

  /** Counts a path among what clients have made, so that it is removed with it where the exporter does that. */
  async registerPath(path: string, options?: CallOptions): Promise<void> {
    await this.call("register_path", [path], options);
  }

  /** Calls a method that answers once. */
  override async call(method: string, args: readonly Json[] = [], options?: CallOptions): Promise<Json> {
    try {
      return await super.call(method, args, options);
    } catch (error) {
      throw explained(error);
    }
  }

  /** Calls a method that answers with many values. */
  override async *callStream(method: string, args: readonly Json[] = [], options?: CallOptions): AsyncIterable<Json> {
    try {
      yield* super.callStream(method, args, options);
    } catch (error) {
      throw explained(error);
    }
  }
}

/** What of a transfer's options is a call's. */
function callOptions({ signal, timeoutMs }: TransferOptions = {}): CallOptions {
  return { signal, timeoutMs };
}

function parseMetadata(value: Json): Metadata {
  const { mode, content_length, content_type, content_disposition, content_md5, etag } = asMapping(value);
  const { entry_is_file, entry_is_dir } = asMapping(mode);
  const optional = (text: Json | undefined) => typeof text === "string" ? text : undefined;
  return {
    isFile: entry_is_file === true,
    isDirectory: entry_is_dir === true,
    contentLength: Number(content_length),
    contentType: optional(content_type),
    contentDisposition: optional(content_disposition),
    contentMd5: optional(content_md5),
    etag: optional(etag),
  };
}

function parseRequest(value: Json): PresignedRequest {
  const { url, method, headers } = asMapping(value);
  const pairs = Object.entries(asMapping(headers)).map(([name, text]) => [name, asText(text)]);
  return { url: asText(url), method: asText(method), headers: Object.fromEntries(pairs) };
}

function asText(value: Json | undefined): string {
  if (typeof value === "string") return value;
  throw unexpected(value);
}

function asMapping(value: Json | undefined): { [key: string]: Json } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw unexpected(value);
}

function unexpected(value: Json | undefined): JumpstarterError {
  return new JumpstarterError("driver", `the exporter's storage answered ${JSON.stringify(value) ?? "nothing"}`);
}
