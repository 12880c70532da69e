import type { Json } from "../json.ts";
import type { Logger } from "../log.ts";
import type { Permission } from "../permission.ts";
import type { Schema } from "../schema.ts";
import type { ByteStream } from "./byte_stream.ts";

/** What a driver knows while it starts. */
export interface StartContext {
  /** The driver's key in the config; the exporter's name for the root. */
  readonly name: string;
  /** The keys from the root down to this driver, joined by dots; empty for the root. */
  readonly path: string;
  /** Writes to the exporter's log, and to the clients that follow it. */
  readonly log: Logger;
  /** A directory for temporary files, which all drivers share; it goes with the exporter, and what is in it. */
  readonly workDir: string;
}

/** What a driver knows during one call or stream. */
export interface CallContext {
  /**
   * Fires when the caller cancels, goes away or runs out of time, and when the exporter stops; and at the end of the call
   * or of the raw stream in any case.
   */
  readonly signal: AbortSignal;
  /**
   * Fires when the client itself goes: its connection is closed, its session ends, or the exporter stops. Until then
   * its calls may use what one of them has opened for the next, such as a file by its handle.
   */
  readonly clientGone: AbortSignal;
  /** Writes to the exporter's log, marked with this driver and method. */
  readonly log: Logger;
  /**
   * The bytes of a file that the client handed over as an argument. They end only when all of them have come: a
   * transfer that breaks off, or that differs from what was sent, is an error for the reader.
   */
  openSource(handle: unknown): Promise<ReadableStream<Uint8Array>>;
  /**
   * Where the bytes go that the client asked for by an argument. Close it when all have been written, and abort it
   * when they could not be, so that the client never takes a part for the whole.
   */
  openSink(handle: unknown): Promise<WritableStream<Uint8Array>>;
}

/**
 * A method that answers once. It runs in the exporter's own thread: it waits with `await`, and what blocks stands in a
 * `Worker` or in a child process.
 */
export interface Call<Device = unknown> {
  /** Tells the three kinds of method apart. */
  readonly kind: "call";
  /** What the method does, for `--help`. */
  readonly summary?: string;
  /**
   * Its calls may overlap with each other and with all others. Without it a driver's calls take turns, in the order of
   * their coming, where the driver itself says nothing else. For what only looks, and for what keeps its own order.
   */
  readonly concurrent?: boolean;
  /** The arguments, as a tuple; without it the method takes none. */
  readonly args?: Schema<readonly unknown[]>;
  /** Does it. Nothing returned means `null` on the wire. */
  run(device: Device, args: readonly unknown[], context: CallContext): Json | void | Promise<Json | void>;
}

/** A method that answers with any number of values, each made when the caller asks for it, and never by blocking. */
export interface CallStream<Device = unknown> {
  /** Tells the three kinds of method apart. */
  readonly kind: "callStream";
  /** What the method does, for `--help`. */
  readonly summary?: string;
  /** Its calls may overlap with others, see {@linkcode Call}. */
  readonly concurrent?: boolean;
  /** The arguments, as a tuple; without it the method takes none. */
  readonly args?: Schema<readonly unknown[]>;
  /** Makes the values. The iterator's `return` is called when the caller goes away. */
  run(device: Device, args: readonly unknown[], context: CallContext): AsyncIterable<Json> | Iterable<Json>;
}

/** A method that opens a raw connection to the device. */
export interface OpenStream<Device = unknown> {
  /** Tells the three kinds of method apart. */
  readonly kind: "openStream";
  /** What the method does, for `--help`. */
  readonly summary?: string;
  /** Opens the connection. It is torn down when the caller goes away. */
  run(device: Device, context: CallContext): ByteStream | Promise<ByteStream>;
}

/** Whatever a driver offers over the wire. */
export type Method<Device = unknown> = Call<Device> | CallStream<Device> | OpenStream<Device>;

/**
 * A kind of driver: what a config may say about it, how it starts, and what it offers.
 *
 * `Config` is what its schema makes of the config's `config` section; `Device` is whatever `start` returns. A
 * device that is disposable is disposed of when the exporter stops.
 */
export interface DriverDefinition<Config = unknown, Device = unknown> {
  /** The `type` in a config. */
  readonly type: string;
  /** Further names for the same type. */
  readonly aliases?: readonly string[];
  /** The label `jumpstarter.dev/client`: the class a client uses for it. */
  readonly client: string;
  /** What it is, in a few words; shown by `j --help` unless the config describes it. */
  readonly summary: string;
  /** What the `config` section may hold; without it, nothing. */
  readonly config?: Schema<Config>;
  /**
   * Descriptions of methods that only the `config` section knows, by name: they are reported beside those of
   * `methods_description`, and win over them.
   */
  describeMethods?(config: Config): Readonly<Record<string, string>>;
  /**
   * What Deno has to allow for a device of this `config` section, from its start to its end; nothing without it.
   * `jmp run --least-privilege` allows that and no more, so what a driver forgets to name it does not get.
   */
  permissions?(config: Config): readonly Permission[];
  /** Acquires the device. */
  start(config: Config, context: StartContext): Device | Promise<Device>;
  /**
   * Its calls may overlap, but for those of methods that say otherwise. Without it one call waits until the one before
   * has ended, also when its client has gone meanwhile: a method that heeds its signal keeps nobody waiting. A raw
   * stream waits for nothing, and nothing waits for it.
   */
  readonly concurrent?: boolean;
  /** What it offers over the wire, by method name. */
  readonly methods: Readonly<Record<string, Method<Device>>>;
}

/**
 * Defines a driver. It returns its argument, checked.
 *
 * @example A relay that any client with a power class can drive
 * ```ts
 * import { call, defineDriver, type DriverDefinition } from "@jumpstarter/cli";
 *
 * export const relay: DriverDefinition = defineDriver({
 *   type: "acme.Relay",
 *   client: "jumpstarter_driver_power.client.PowerClient",
 *   summary: "One relay of an ACME board",
 *   start: () => ({ closed: false }),
 *   methods: {
 *     on: call({ run: (relay: { closed: boolean }) => void (relay.closed = true) }),
 *     off: call({ run: (relay: { closed: boolean }) => void (relay.closed = false) }),
 *   },
 * });
 * ```
 */
export function defineDriver<Config, Device>(definition: DriverDefinition<Config, Device>): DriverDefinition {
  return Object.freeze(definition) as DriverDefinition;
}

/**
 * A method that answers once.
 *
 * @param spec What it does, whether it may overlap with other calls, its arguments' schema (a tuple; none without it), and
 * the function itself.
 */
export function call<Device, Args extends readonly unknown[] = []>(spec: {
  summary?: string;
  concurrent?: boolean;
  args?: Schema<Args>;
  run(device: Device, args: Args, context: CallContext): Json | void | Promise<Json | void>;
}): Call<Device> {
  return { kind: "call", ...spec } as Call<Device>;
}

/**
 * A method that answers with any number of values.
 *
 * @param spec What it does, whether it may overlap with other calls, its arguments' schema (a tuple; none without it), and
 * the generator itself.
 */
export function callStream<Device, Args extends readonly unknown[] = []>(spec: {
  summary?: string;
  concurrent?: boolean;
  args?: Schema<Args>;
  run(device: Device, args: Args, context: CallContext): AsyncIterable<Json> | Iterable<Json>;
}): CallStream<Device> {
  return { kind: "callStream", ...spec } as CallStream<Device>;
}

/**
 * A method that opens a raw connection.
 *
 * @param spec What it does, and the function that opens it.
 */
export function openStream<Device>(spec: {
  summary?: string;
  run(device: Device, context: CallContext): ByteStream | Promise<ByteStream>;
}): OpenStream<Device> {
  return { kind: "openStream", ...spec };
}
