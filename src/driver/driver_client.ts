import type { Encoding } from "../encoding.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { ByteStream } from "./byte_stream.ts";

/** How long one call may take, and how to give up on it. */
export interface CallOptions {
  /** Gives up on the call when it fires. */
  signal?: AbortSignal;
  /** Gives up on the call after so many milliseconds; unlimited by default. */
  timeoutMs?: number;
}

/** A file behind a URL that the exporter fetches or puts by itself. */
export interface RemoteFile {
  /** An `https://` or `http://` URL. */
  readonly url: string;
  /** Headers to send along. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a file travels to or from a driver. */
export interface TransferOptions extends CallOptions {
  /**
   * How the bytes are compressed at this end; the driver reads and writes plain ones. They travel compressed where
   * the exporter can be relied on to pack and unpack them, and else are packed and unpacked here. Not possible with
   * a request that the exporter makes by itself.
   */
  compression?: Encoding;
  /** Told how many bytes have been read from the source, or have come for the sink, so far. */
  onProgress?: (bytes: number) => void;
}

/** Carries calls to one driver of one exporter. */
export interface Caller {
  /** Calls a method that answers once. */
  call(method: string, args: readonly Json[], options?: CallOptions): Promise<Json>;
  /** Calls a method that answers with many values; the next one is asked for only when the last was taken. */
  callStream(method: string, args: readonly Json[], options?: CallOptions): AsyncIterable<Json>;
  /** Opens a raw connection to the device; settles once the driver has it. */
  openStream(method: string, options?: CallOptions): Promise<ByteStream>;
  /**
   * Hands `source` to the driver: `use` is given what to pass as the argument of a call that reads it, and the whole
   * fails when the call or the transfer does.
   */
  upload<T>(
    source: ReadableStream<Uint8Array>,
    use: (handle: Json) => Promise<T>,
    options?: TransferOptions,
  ): Promise<T>;
  /** Takes bytes from the driver: `use` is given what to pass as the argument of a call that writes them. */
  download<T>(
    sink: WritableStream<Uint8Array>,
    use: (handle: Json) => Promise<T>,
    options?: TransferOptions,
  ): Promise<T>;
}

/** One driver as the exporter reports it, with its children's clients. */
export interface DriverLink {
  /** The driver's key in the exporter's config; empty for the root. */
  readonly name: string;
  /** The id that calls name it by. */
  readonly uuid: string;
  /** The report's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the config says that this driver is. */
  readonly description?: string;
  /** What the config says of single methods, by name. */
  readonly methodDescriptions: Readonly<Record<string, string>>;
  /** The clients of the drivers below this one, in the exporter's order. */
  readonly children: ReadonlyMap<string, DriverClient>;
  /** Carries this driver's calls. */
  readonly caller: Caller;
}

/**
 * The client's half of a driver. A class for one kind of driver extends it and gives each method a name and types.
 *
 * @example
 * ```ts
 * import { DriverClient } from "@jumpstarter/cli";
 *
 * class RelayClient extends DriverClient {
 *   async isClosed(): Promise<boolean> {
 *     return await this.call("is_closed") === true;
 *   }
 * }
 * ```
 */
export class DriverClient {
  /** The driver as the exporter reports it. */
  readonly link: DriverLink;

  /** Makes the client of the driver behind `link`. */
  constructor(link: DriverLink) {
    this.link = link;
  }

  /** Calls a method that answers once. */
  call(method: string, args: readonly Json[] = [], options?: CallOptions): Promise<Json> {
    return this.link.caller.call(method, args, options);
  }

  /** Calls a method that answers with many values. */
  callStream(method: string, args: readonly Json[] = [], options?: CallOptions): AsyncIterable<Json> {
    return this.link.caller.callStream(method, args, options);
  }

  /** Opens a raw connection to the device; settles once the driver has it, and is refused where it cannot. */
  openStream(method: string = "connect", options?: CallOptions): Promise<ByteStream> {
    return this.link.caller.openStream(method, options);
  }

  /**
   * Calls a method that reads a file.
   *
   * @param source The file's bytes, or a request (`{url, headers?}`) that the exporter fetches by itself.
   * @param args The method's arguments, given what stands for the file.
   */
  upload(
    method: string,
    source: ReadableStream<Uint8Array> | RemoteFile,
    args: (handle: Json) => Json[] = (handle) => [handle],
    options?: TransferOptions,
  ): Promise<Json> {
    if (!(source instanceof ReadableStream)) return this.call(method, args(presigned(source, "GET", options)), options);
    return this.link.caller.upload(source, (handle) => this.call(method, args(handle), options), options);
  }

  /**
   * Calls a method that writes a file.
   *
   * @param sink Where the bytes go, or a request (`{url, headers?}`) by which the exporter puts them by itself.
   * @param args The method's arguments, given what stands for the file.
   */
  download(
    method: string,
    sink: WritableStream<Uint8Array> | RemoteFile,
    args: (handle: Json) => Json[] = (handle) => [handle],
    options?: TransferOptions,
  ): Promise<Json> {
    if (!(sink instanceof WritableStream)) return this.call(method, args(presigned(sink, "PUT", options)), options);
    return this.link.caller.download(sink, (handle) => this.call(method, args(handle), options), options);
  }
}

function presigned(
  { url, headers = {} }: RemoteFile,
  method: "GET" | "PUT",
  { compression }: TransferOptions = {},
): Json {
  if (compression === undefined) return { kind: "presigned_request", headers: { ...headers }, url, method };
  throw new JumpstarterError(
    "usage",
    `an exporter handles the file behind a URL as it is, not as ${compression} data`,
    {
      hint: "open the URL here, and hand over the stream",
    },
  );
}
