import type { Json } from "../json.ts";
import type { ByteStream } from "./byte_stream.ts";

/** How long one call may take, and how to give up on it. */
export interface CallOptions {
  /** Gives up on the call when it fires. */
  signal?: AbortSignal;
  /** Gives up on the call after so many milliseconds; unlimited by default. */
  timeoutMs?: number;
}

/** Carries calls to one driver of one exporter. */
export interface Caller {
  /** Calls a method that answers once. */
  call(method: string, args: readonly Json[], options?: CallOptions): Promise<Json>;
  /** Calls a method that answers with many values; the next one is asked for only when the last was taken. */
  callStream(method: string, args: readonly Json[], options?: CallOptions): AsyncIterable<Json>;
  /** Opens a raw connection to the device. */
  openStream(method: string, options?: CallOptions): Promise<ByteStream>;
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

  /** Opens a raw connection to the device. */
  openStream(method: string = "connect", options?: CallOptions): Promise<ByteStream> {
    return this.link.caller.openStream(method, options);
  }
}
