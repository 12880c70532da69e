import type { CallOptions, DriverClient, RemoteFile, TransferOptions } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Json } from "../../src/json.ts";
import type { OpenMode } from "./wire.ts";

/** What a position is counted from. */
export type SeekOrigin = "start" | "current" | "end";

/** What a file can be written from: bytes, a text as UTF-8, a stream, or a URL that the exporter fetches by itself. */
export type FileContent = Uint8Array | string | ReadableStream<Uint8Array> | RemoteFile;

/** As the wire numbers them. */
const WHENCE: Readonly<Record<SeekOrigin, number>> = { start: 0, current: 1, end: 2 };

/** How long giving a file back may take, in milliseconds. */
const ABORT_LIMIT_MS = 5_000;

/**
 * A file of a storage that is open at the exporter.
 *
 * A file that is written takes its place when it is closed. Disposing of it before, as `await using` does when
 * something fails, leaves what was there.
 */
export class OpendalFile implements AsyncDisposable {
  /** Its path in the storage. */
  readonly path: string;
  /** How it was opened. */
  readonly mode: OpenMode;
  readonly #client: DriverClient;
  readonly #handle: Json;
  #failure: string | undefined;
  #isDone = false;

  /** Makes the file of a handle that the driver's `open` has answered. */
  constructor(client: DriverClient, path: string, mode: OpenMode, handle: Json) {
    this.#client = client;
    this.path = path;
    this.mode = mode;
    this.#handle = handle;
  }

  /** Appends to the file; it is not kept at all when this fails. */
  async write(content: FileContent, options?: TransferOptions): Promise<void> {
    try {
      await this.#client.upload("file_write", toSource(content), (source) => [this.#handle, source], options);
    } catch (error) {
      this.#failure ??= error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** Sends what is left of the file to a stream, or has the exporter put it to a URL. */
  async read(sink: WritableStream<Uint8Array> | RemoteFile, options?: TransferOptions): Promise<void> {
    await this.#client.download("file_read", sink, (target) => [this.#handle, target], options);
  }

  /** What is left of the file. */
  async readBytes(options?: TransferOptions): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    await this.read(new WritableStream({ write: (bytes) => void chunks.push(bytes) }), options);
    const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const chunk of chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }

  /** Moves to a position, in bytes from `origin`; answers it as counted from the start. */
  async seek(offset: number, origin: SeekOrigin = "start", options?: CallOptions): Promise<number> {
    return Number(await this.#client.call("file_seek", [this.#handle, offset, WHENCE[origin]], options));
  }

  /** The position, in bytes from the start. */
  async tell(options?: CallOptions): Promise<number> {
    return Number(await this.#client.call("file_tell", [this.#handle], options));
  }

  /** Whether the file is closed. */
  isClosed(options?: CallOptions): Promise<boolean> {
    return this.#ask("file_closed", options);
  }

  /** Whether the file is open for reading. */
  isReadable(options?: CallOptions): Promise<boolean> {
    return this.#ask("file_readable", options);
  }

  /** Whether the file has a position. */
  isSeekable(options?: CallOptions): Promise<boolean> {
    return this.#ask("file_seekable", options);
  }

  /** Whether the file is open for writing. */
  isWritable(options?: CallOptions): Promise<boolean> {
    return this.#ask("file_writable", options);
  }

  /**
   * Closes the file; one that was written takes its place.
   *
   * @throws {JumpstarterError} `io` when a part of it is missing. Nothing of it is kept then.
   */
  async close(options?: CallOptions): Promise<void> {
    if (this.mode === "wb" && this.#failure !== undefined && !this.#isDone) {
      await this.abort();
      throw new JumpstarterError("io", `"${this.path}" was not written: ${this.#failure}`);
    }
    await this.#client.call("file_close", [this.#handle], options);
    this.#isDone = true;
  }

  /** Closes the file, and keeps nothing of what was written. An exporter in Python keeps it. */
  async abort(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const options = { timeoutMs: ABORT_LIMIT_MS };
    await this.#client.call("file_abort", [this.#handle], options).catch((error) => {
      if (!(error instanceof JumpstarterError) || error.code !== "not_found") throw error;
      return this.#client.call("file_close", [this.#handle], options);
    });
  }

  /** Lets go of the file, and keeps nothing of what was written unless it was closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort().catch(() => {/* the exporter lets go of it when this client goes */});
  }

  async #ask(method: string, options?: CallOptions): Promise<boolean> {
    return await this.#client.call(method, [this.#handle], options) === true;
  }
}

function toSource(content: FileContent): ReadableStream<Uint8Array> | RemoteFile {
  if (typeof content === "string") return ReadableStream.from([new TextEncoder().encode(content)]);
  return content instanceof Uint8Array ? ReadableStream.from([content]) : content;
}
