/** What the tests of this room share: a server of given handlers with a channel to it, and facts to wait for. */
import type { DescService } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server as SocketServer, type Socket } from "node:net";
import * as pb from "../../proto/mod.ts";
import type { Address } from "../address.ts";
import { type ErrorCode, JumpstarterError } from "../errors.ts";
import { Listener } from "../listener.ts";
import { Logger, type LogRecord } from "../log.ts";
import { Channel } from "./channel.ts";
import type { ChannelOptions } from "./channel_options.ts";
import { serve, type ServeOptions, type Server } from "./server.ts";
import { bindService, type BoundService, type ServiceHandlers } from "./service.ts";

/** The handlers of a test; every other method is unimplemented. */
export interface TestHandlers {
  exporter?: Partial<ServiceHandlers<typeof pb.ExporterService>>;
  router?: Partial<ServiceHandlers<typeof pb.RouterService>>;
  /** What an exporter of this project has besides; without it the server is one of another implementation. */
  direct?: Partial<ServiceHandlers<typeof pb.DirectService>>;
}

/** A server with a channel to it. */
export interface Bench extends AsyncDisposable {
  readonly server: Server;
  readonly channel: Channel;
  /** What the server has logged. */
  readonly records: readonly LogRecord[];
}

/** How a test serves. */
export interface BenchOptions extends Partial<Omit<ServeOptions, "listener">> {
  readonly address?: Address;
}

/** Serves handlers on a free port, or as `options` has it. */
export async function openBench(
  handlers: TestHandlers,
  { address = { kind: "tcp", host: "127.0.0.1", port: 0 }, ...options }: BenchOptions = {},
  reach: Partial<ChannelOptions> = {},
): Promise<Bench> {
  const records: LogRecord[] = [];
  const server = serve({
    listener: await Listener.open(address),
    services: boundServices(handlers),
    log: new Logger((record) => records.push(record)),
    ...options,
  });
  const channel = new Channel({ address: server.address, passphrase: options.passphrase, ...reach });
  return {
    server,
    channel,
    records,
    async [Symbol.asyncDispose]() {
      channel[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The services of the contract with the given handlers, and our own where it has some. */
export function boundServices({ exporter = {}, router = {}, direct }: TestHandlers): BoundService[] {
  return [
    bindService(pb.ExporterService, { ...unimplemented(pb.ExporterService), ...exporter }),
    bindService(pb.RouterService, { ...unimplemented(pb.RouterService), ...router }),
    ...(direct ? [bindService(pb.DirectService, { ...unimplemented(pb.DirectService), ...direct })] : []),
  ];
}

function unimplemented<S extends DescService>(service: S): ServiceHandlers<S> {
  const refuse = () => {
    throw new JumpstarterError("unimplemented", "no handler in this test");
  };
  const handlers: unknown = Object.fromEntries(service.methods.map(({ localName }) => [localName, refuse]));
  return handlers as ServiceHandlers<S>;
}

/** The methods that tests call. */
export const { driverCall, streamingDriverCall, getStatus, logStream } = pb.ExporterService.method;
/** The method of raw streams. */
export const streamMethod = pb.RouterService.method.stream;

/** Asserts that a promise rejects with an error of this code, and answers the error. */
export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<JumpstarterError> {
  const error = await promise.then(() => assert.fail(`expected the error ${code}`), (error: unknown) => error);
  if (!(error instanceof JumpstarterError)) throw error;
  assert.equal(error.code, code, error.message);
  return error;
}

/** Fails when a promise does not settle in time, so that a hang is a failure and not a stuck test run. */
export async function within<T>(promise: Promise<T>, what: string, limitMs = 20_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${limitMs} ms: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asserts that a promise rejects, in time and not for lack of it. */
export async function breaks(promise: Promise<unknown>, what: string): Promise<void> {
  const hasBroken = await within(promise.then(() => false, () => true), what);
  assert.ok(hasBroken, `it did not break: ${what}`);
}

/** A listener that is no exporter: it does with each connection what `accept` does. */
export async function listenRaw(
  accept: (socket: Socket) => void,
  make: (accept: (socket: Socket) => void) => SocketServer = (accept) => createServer(accept),
): Promise<AsyncDisposable & { readonly port: number; readonly sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  const listener = make(accept);
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  await using listener = await listenRaw(() => {});
  return listener.port;
}
