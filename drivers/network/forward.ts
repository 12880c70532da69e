import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { chmod, lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ByteStream } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { fitsSocket } from "../../src/platform.ts";
import { openPrivateTempDir, tempParent } from "../../src/private_files.ts";
import { openSocket, socketStream } from "../../src/socket_stream.ts";

/** What every forward needs. */
export interface ForwardParts {
  /** Opens one connection to the device. */
  readonly open: (signal: AbortSignal) => Promise<ByteStream>;
  /** Ends the forward. */
  readonly signal?: AbortSignal;
  /** Told of each connection that failed; the others go on. */
  readonly onFailure?: (error: unknown) => void;
}

/** A forward on a TCP port. */
export interface TcpForward extends AsyncDisposable {
  /** The address that it listens on, an IP address. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
}

/** A forward on a Unix socket. */
export interface UnixForward extends AsyncDisposable {
  /** The socket's path. */
  readonly path: string;
}

/** Listens on a TCP port; `localhost` is both loopback addresses, where the machine has both. */
export async function listenTcp(parts: ForwardParts, host: string, port: number): Promise<TcpForward> {
  const relay = new Relay(parts);
  const where = (address: string) => `${address.includes(":") ? `[${address}]` : address}:${port}`;
  try {
    const bound = await relay.listen({ host: host === "localhost" ? "127.0.0.1" : host, port }, where(host));
    if (typeof bound !== "object" || bound === null) throw new JumpstarterError("internal", "no port was bound");
    if (host === "localhost") await alsoOnIpv6(relay, bound.port, port !== 0);
    return { host: bound.address, port: bound.port, [Symbol.asyncDispose]: () => relay.stop() };
  } catch (error) {
    await relay.stop();
    throw error;
  }
}

/** Programs that look for `localhost` may try either address first; whose port it is must not depend on that. */
async function alsoOnIpv6(relay: Relay, port: number, isWanted: boolean): Promise<void> {
  try {
    await relay.listen({ host: "::1", port }, `[::1]:${port}`);
  } catch (error) {
    const { code } = (error as JumpstarterError).cause as { code?: string };
    if (code === "EADDRINUSE" && isWanted) throw error;
  }
}

/**
 * Listens on a Unix socket that only this user can open. Without a path it stands in a private directory of its own
 * under `parent`, or else the system's directory for temporary files. It is removed at the end.
 */
export async function listenUnix(parts: ForwardParts, path?: string, parent = tempParent()): Promise<UnixForward> {
  await using begun = new AsyncDisposableStack();
  const socketPath = path ?? join(begun.use(await openPrivateTempDir("", parent)).path, "forward.sock");
  const relay = new Relay(parts);
  begun.defer(() => relay.stop());
  if (path !== undefined) await removeAbandoned(path);
  await relay.listen({ path: socketPath }, socketPath);
  // Closing the listener removes the socket as well, but not on every system.
  begun.defer(() => relay.stop().then(() => rm(socketPath, { force: true })));
  await chmod(socketPath, 0o600);
  const owned = begun.move();
  return { path: socketPath, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A socket that nobody listens on any more is left over from a program that was killed. */
async function removeAbandoned(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || !found.isSocket()) return;
  try {
    const { readable } = await openSocket({ path });
    await readable.cancel();
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } };
    // No other error says that: a socket may be busy, or for datagrams alone.
    if (cause?.code === "ECONNREFUSED") await rm(path, { force: true });
  }
}

/** Takes connections and relays each to a connection of its own to the device. */
class Relay {
  readonly #parts: ForwardParts;
  readonly #servers: Server[] = [];
  readonly #stopping = new AbortController();
  readonly #connections = new Set<Promise<void>>();
  readonly #onSignal = () => void this.stop();

  constructor(parts: ForwardParts) {
    parts.signal?.throwIfAborted();
    this.#parts = parts;
    parts.signal?.addEventListener("abort", this.#onSignal, { once: true });
  }

  async listen(where: ListenOptions, name: string): Promise<ReturnType<Server["address"]>> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause: Error & { code?: string }) => reject(listenError(name, cause)));
      server.listen(where, resolve);
    });
    this.#servers.push(server);
    // A connection that could not be accepted is gone; those to come may be accepted.
    server.on("error", (error) => this.#parts.onFailure?.(error));
    return server.address();
  }

  /** Takes no more connections, cuts those there are, and waits until they are closed. */
  async stop(): Promise<void> {
    this.#parts.signal?.removeEventListener("abort", this.#onSignal);
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    this.#stopping.abort(new JumpstarterError("cancelled", "the forward has ended"));
    await Promise.all([...closed, ...this.#connections]);
  }

  #accept(socket: Socket): void {
    const local = socketStream(socket, "the local program");
    const task = this.#relay(local).finally(() => this.#connections.delete(task));
    this.#connections.add(task);
  }

  /** Never rejects: what goes wrong with one connection is no matter for the others. */
  async #relay(local: ByteStream): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const device = await this.#parts.open(signal);
      // A way that fails tears both its ends down, and with them the other way.
      const ways = await Promise.allSettled([
        local.readable.pipeTo(device.writable, { signal }),
        device.readable.pipeTo(local.writable, { signal }),
      ]);
      const failed = ways.find((way) => way.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    } catch (error) {
      await Promise.allSettled([local.readable.cancel(error), local.writable.abort(error)]);
      if (!signal.aborted) this.#parts.onFailure?.(error);
    }
  }
}

function listenError(where: string, cause: Error & { code?: string }): JumpstarterError {
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: "the address is in use",
    EACCES: "permission denied",
    EADDRNOTAVAIL: "this machine has no such address",
    // As Deno has it.
    EINVAL: fitsSocket(where) ? "this machine has no such address" : "the path is too long for a socket",
    ENOENT: "there is no such directory",
    ENOTFOUND: "the name does not resolve",
  };
  return new JumpstarterError("listen", `cannot listen on ${where}: ${known[cause.code ?? ""] ?? cause.message}`, {
    cause,
  });
}
