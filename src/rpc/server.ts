import type { ServerOptions as GrpcServerOptions } from "@grpc/grpc-js";
import { chmod, unlink } from "node:fs/promises";
import { createServer as createTcpServer, type Server as SocketServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { JumpstarterError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type Address, formatAddress } from "./address.ts";
import { goawayIsFatal, guardGoaway } from "./goaway_guard.ts";
import { passphraseChecker } from "./passphrase.ts";
import { type Admission, type BoundService, plainPeer, type RunningCalls } from "./service.ts";
import { assertCertificate, type ServerCertificate } from "./tls.ts";
import { WideServer } from "./wide_server.ts";

/** What a server serves, where, and to whom. */
export interface ServeOptions {
  /** Where to listen. Port 0 picks a free one. */
  address: Address;
  /** What to serve. */
  services: readonly BoundService[];
  /** Where failed logins and broken connections are noted. */
  log: Logger;
  /** The certificate to serve TLS with; plaintext without it. */
  certificate?: ServerCertificate;
  /** What every call must present. */
  passphrase?: string;
  /** Only children of this program can reach the address, so their calls may do what others may not. */
  isTrusted?: boolean;
  /** How long a client may take for its TLS handshake, in milliseconds; 10,000 by default. */
  handshakeTimeoutMs?: number;
  /** Told when a client connects, before it can call anything. */
  onConnection?: () => void;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Where it listens, with the port that was picked. */
  readonly address: Address;
  /** Stops listening, lets running calls end within `graceMs`, and cuts what is left. */
  stop(graceMs: number): Promise<void>;
}

/**
 * A peer is pinged every 15 s and given 10 s to answer, so one that is dead is noticed within 25 s. Peers that ping
 * us may do so as often as they like.
 */
const keepalive: GrpcServerOptions = {
  "grpc.keepalive_time_ms": 15_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/**
 * Listens, and serves until it is stopped.
 *
 * @throws {JumpstarterError} `listen` when the address cannot be had; `config` when the certificate is of no use.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { address, services, certificate, isTrusted = false, log } = options;
  if (certificate !== undefined) assertCertificate(certificate);
  const grpcServer = new WideServer(keepalive);
  const admit = admission(options);
  const running = new Set<Promise<void>>();
  const noted: RunningCalls = {
    add(call) {
      running.add(call);
      call.finally(() => running.delete(call));
    },
  };
  const connectionClosed = (call: object) => grpcServer.connectionClosed(call);
  for (const service of services) {
    grpcServer.addService(service.definition, service.bind({ admit, isTrusted, running: noted, connectionClosed }));
  }
  const injector = grpcServer.createInjector();
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on(
      "error",
      (error) => log.debug(`Connection from ${plainPeer(socket.remoteAddress ?? "a client")}: ${error.message}`),
    );
    options.onConnection?.();
    injector.injectConnection(goawayIsFatal(Deno.version.deno) ? guardGoaway(socket, "server") : socket);
  };
  const listener = certificate === undefined ? createTcpServer(accept) : createTlsServer({
    ...certificate,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
    handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
  }, accept);
  listener.on("tlsClientError", (error: Error, socket: Socket) => {
    log.warning(`TLS handshake with ${plainPeer(socket.remoteAddress ?? "a client")} failed: ${error.message}`);
    socket.destroy(); // a handshake that ran out of time leaves it open
  });
  const bound = await listen(listener, address);
  // One connection that cannot be taken (no descriptor left, say) is no reason to end.
  listener.on("error", (error) => log.error(`A connection could not be accepted: ${error.message}`));
  // grpc-js itself waits for no call of a connection that was handed to it, nor for what was just written to it.
  const endCalls = async () => {
    await Promise.all(running);
    await setImmediate();
    await grpcServer.delivered();
  };
  const stop = async (graceMs: number) => {
    listener.close();
    await within(graceMs, (done) => void endCalls().then(() => grpcServer.tryShutdown(done)));
    grpcServer.forceShutdown();
    injector.destroy();
    for (const socket of sockets) socket.destroy();
    if (bound.kind === "unix") await unlink(bound.path).catch(() => {/* closing the listener has removed it */});
  };
  return { address: bound, stop, [Symbol.asyncDispose]: () => stop(0) };
}

/** Lets in who presents the passphrase; notes who does not, never what was presented. */
function admission({ passphrase, log }: ServeOptions): Admission {
  if (passphrase === undefined) return () => {};
  const isAdmitted = passphraseChecker(passphrase);
  return (metadata, peer, path) => {
    if (isAdmitted(metadata)) return;
    log.warning(`authentication failed: invalid or missing passphrase (${path} from ${peer})`);
    throw new JumpstarterError("unauthenticated", "invalid or missing passphrase");
  };
}

async function listen(listener: SocketServer, address: Address): Promise<Address> {
  if (address.kind === "unix") {
    await listening(listener, address, { path: address.path });
    await chmod(address.path, 0o600);
    return address;
  }
  const { host, port } = address;
  if (host !== undefined) {
    await listening(listener, address, { host, port });
  } else {
    // Every address is the IPv6 wildcard, which takes IPv4 as well, unless the machine has no IPv6.
    await listening(listener, address, { host: "::", port }).catch((error: JumpstarterError) => {
      const { code } = error.cause as { code?: string };
      if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") throw error;
      return listening(listener, address, { host: "0.0.0.0", port });
    });
  }
  const bound = listener.address();
  return { ...address, port: typeof bound === "object" && bound !== null ? bound.port : port };
}

function listening(
  listener: SocketServer,
  address: Address,
  where: { path: string } | { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(listenError(address, cause));
    listener.once("error", fail);
    listener.listen(where, () => {
      listener.off("error", fail);
      resolve();
    });
  });
}

function listenError(address: Address, cause: Error & { code?: string }): JumpstarterError {
  const where = `Cannot listen on ${formatAddress(address)}`;
  const port = address.kind === "tcp" ? address.port : 0;
  const noSuchAddress = [
    "this machine has no such address",
    "use 127.0.0.1, or only a port for every address",
  ] as const;
  const known: Record<string, readonly [string, string]> = {
    EADDRINUSE: ["the address is in use", `see what listens with "ss -ltnp", or take another port (:0 picks one)`],
    EACCES: ["permission denied", port < 1024 ? "ports below 1024 need privileges" : "choose another address"],
    EADDRNOTAVAIL: noSuchAddress,
    EINVAL: noSuchAddress, // as Deno has it
    ENOTFOUND: ["the name does not resolve", "use an address of this machine, or only a port for every address"],
  };
  const [reason, hint] = known[cause.code ?? ""] ?? [cause.message, undefined];
  return new JumpstarterError("listen", `${where}: ${reason}`, { hint, cause });
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
