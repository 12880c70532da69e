import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { Address } from "../address.ts";
import type { Listener } from "../listener.ts";
import type { Logger } from "../log.ts";
import { type Connection, Connections } from "./connections.ts";
import { FloodLog, type ToldRefusal } from "./flood_log.ts";
import { type Keepalive, keepaliveOptions } from "./keepalive.ts";
import { Login } from "./login.ts";
import { mendSocket } from "./mended_socket.ts";
import { onGreeting } from "./preface.ts";
import { defaultLimits, grpcLimits, type ServerLimits } from "./server_limits.ts";
import type { BoundService, RunningCalls, Serving } from "./service.ts";
import type { ServerCertificate } from "./tls.ts";
import { tlsHandshakes } from "./tls_handshakes.ts";
import { WideServer } from "./wide_server.ts";

/** What a server serves, where, and to whom. */
export interface ServeOptions {
  /** Where clients come; it is closed with the server. */
  listener: Listener;
  /** What to serve. */
  services: readonly BoundService[];
  /** Where failed logins and broken connections are noted. */
  log: Logger;
  /** The certificate to serve TLS with, found to be of use; plaintext without it. */
  certificate?: ServerCertificate;
  /** Asked from time to time: the certificate for new connections when it has changed, else nothing. */
  renewedCertificate?: () => Promise<ServerCertificate | undefined>;
  /** How often it is asked, in milliseconds; 5,000 by default. */
  renewalCheckMs?: number;
  /** What every call must present. */
  passphrase?: string;
  /** Only children of this program can reach the address, so their calls may do what others may not. */
  isTrusted?: boolean;
  /** What peers are granted, where it is not {@linkcode defaultLimits}. */
  limits?: Partial<ServerLimits>;
  /** How dead peers are noticed, where it is not by {@linkcode defaultKeepalive}. */
  keepalive?: Keepalive;
  /** Told when a client connects, before it can call anything. */
  onConnection?: (peer: ConnectedPeer) => void;
  /** Told who is not let in, but for what is too much of the same. */
  onRefused?: (refusal: ToldRefusal) => void;
}

/** A client that has connected. */
export interface ConnectedPeer {
  /** The name in its certificate; nothing when it has shown none. */
  readonly identity?: string;
  /** Where it is, such as `192.0.2.7:51234`. */
  readonly address: string;
  /** Settles when the connection is closed. */
  readonly closed: Promise<void>;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Where it listens, with the port that was picked. */
  readonly address: Address;
  /** Stops listening, lets running calls end within `graceMs`, and cuts what is left. */
  stop(graceMs: number): Promise<void>;
}

/** Serves until it is stopped. */
export function serve(options: ServeOptions): Server {
  const { listener, services, certificate, passphrase, isTrusted = false, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const floodLog = new FloodLog(log, { onRefused: options.onRefused });
  const connectionOf = (call: object) => grpcServer.connectionOf(call);
  const login = passphrase === undefined ? undefined : new Login({ passphrase, limits, log, floodLog, connectionOf });
  const interceptors = login === undefined ? [] : [login.interceptor];
  const grpcServer: WideServer = new WideServer({
    ...keepaliveOptions(options.keepalive),
    ...grpcLimits(limits),
    interceptors,
  });
  const running = new RunningCallSet();
  const serving: Serving = {
    isTrusted,
    running,
    admitCall: (call) => grpcServer.admitCall(call),
  };
  for (const service of services) grpcServer.addService(service.definition, service.bind(serving));
  const injector = grpcServer.createInjector(limits.maxMetadataBytes);
  const connections = new Connections(limits, floodLog);
  const accept = (stream: Socket, connection: Connection) => {
    stream.on("error", (error) => log.debug(`Connection from ${connection.peer}: ${error.message}`));
    onGreeting(stream, (isHttp2) => {
      if (!isHttp2) return connections.refuse(connection, "it does not speak HTTP/2");
      options.onConnection?.({
        identity: connection.identity,
        address: connection.peer,
        closed: closeOf(connection.socket),
      });
      grpcServer.serveConnection(injector, mendSocket(stream, "server"), connection, () => {
        connections.established(connection);
        connection.hasLoggedIn ||= login === undefined;
      });
    });
  };
  const handshakes = certificate === undefined
    ? undefined
    : tlsHandshakes(certificate, { ...options, limits, floodLog, connections, accept });
  listener.serve((socket) => {
    const connection = connections.take(socket);
    if (connection === undefined) return;
    if (handshakes === undefined) accept(socket, connection);
    else handshakes.begin(socket);
  }, (error) => log.error(`A connection could not be accepted: ${error.message}`));
  // grpc-js itself waits for no call of a connection that was handed to it, nor for what was just written to it.
  const endCalls = async () => {
    await running.ended();
    await setImmediate();
    await grpcServer.delivered();
  };
  const stop = async (graceMs: number) => {
    listener.close();
    handshakes?.[Symbol.dispose]();
    login?.[Symbol.dispose]();
    await within(graceMs, (done) => void endCalls().then(() => grpcServer.tryShutdown(done)));
    grpcServer.forceShutdown();
    injector.destroy();
    connections.endAll();
    await listener[Symbol.asyncDispose]();
  };
  return { address: listener.address, stop, [Symbol.asyncDispose]: () => stop(0) };
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.destroyed ? resolve() : socket.once("close", () => resolve()));
}

/** The calls that run. */
class RunningCallSet implements RunningCalls {
  readonly #calls = new Set<Promise<void>>();

  add(call: Promise<void>): void {
    this.#calls.add(call);
    call.finally(() => this.#calls.delete(call));
  }

  async ended(): Promise<void> {
    await Promise.all(this.#calls);
  }
}

/** Waits for `begin` to call back, but no longer than `limitMs`. */
function within(limitMs: number, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    begin(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
