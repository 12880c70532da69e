import { unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { type Address, formatAddress } from "./address.ts";
import { JumpstarterError } from "./errors.ts";
import { isWindows } from "./platform.ts";

/** How many may wait until somebody serves them; who comes then is turned away. */
const mostWaiting = 100;

/** How long a listener is deaf at most, in milliseconds, once there are descriptors again. */
const deafMs = 1_000;

/** How many connections the system keeps until they are accepted, as is usual. */
const backlog = 511;

/** What is needed of a server that it has no method for; the declared types keep it private. */
interface ServerInternals {
  readonly _handle: { listen(backlog: number): number } | null;
}

/** The same of a socket: whether its peer has ended it, read or not. */
interface SocketInternals {
  readonly _readableState: { readonly ended: boolean };
}

/**
 * An address that is listened on before there is anything to serve: who connects waits, and is served once somebody does.
 *
 * An address that is taken is so found before anything is begun for it, and a client that comes early need not try again.
 */
export class Listener implements AsyncDisposable {
  readonly #server = createServer((socket) => this.#take === undefined ? this.#keep(socket) : this.#take(socket));
  readonly #waiting = new Set<Socket>();
  #address: Address;
  #take: ((socket: Socket) => void) | undefined;
  #rearming?: ReturnType<typeof setInterval>;

  private constructor(address: Address) {
    this.#address = address;
  }

  /**
   * Listens. Port 0 picks a free one; a Unix socket is for this user alone.
   *
   * @throws {JumpstarterError} `listen` when the address cannot be had.
   */
  static async open(address: Address): Promise<Listener> {
    const listener = new Listener(address);
    listener.#address = await listen(listener.#server, address);
    if (address.kind === "tcp") listener.#rearming = setInterval(() => rearm(listener.#server), deafMs);
    return listener;
  }

  /** Where it listens, with the port that was picked. */
  get address(): Address {
    return this.#address;
  }

  /**
   * Hands over each connection, those that have waited first.
   *
   * @param onFault Told of a connection that could not be accepted; others can.
   */
  serve(take: (socket: Socket) => void, onFault: (error: Error) => void): void {
    this.#take = take;
    this.#server.on("error", onFault);
    this.#dropGone();
    for (const socket of this.#waiting) {
      socket.off("error", ignore);
      take(socket);
    }
    this.#waiting.clear();
  }

  /** Takes no more connections; those that were handed over stay. */
  close(): void {
    clearInterval(this.#rearming);
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
  }

  /** Closes, and removes what a Unix socket leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    const { kind } = this.#address;
    if (kind === "unix") await unlink(this.#address.path).catch(() => {/* closing has removed it */});
  }

  #keep(socket: Socket): void {
    if (this.#waiting.size >= mostWaiting) this.#dropGone();
    if (this.#waiting.size >= mostWaiting) return void socket.destroy();
    this.#waiting.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => this.#waiting.delete(socket));
  }

  /** Lets those go who have gone themselves: what they had said before, which nobody reads yet, keeps them open. */
  #dropGone(): void {
    for (const socket of this.#waiting) {
      if (!(socket as unknown as SocketInternals)._readableState.ended) continue;
      this.#waiting.delete(socket);
      socket.destroy();
    }
  }
}

/** Its close says the same. */
function ignore(): void {}

/**
 * Has a server accept connections again. One that Deno (2.9.3 to 2.9.6) cannot accept, for want of a descriptor, is told
 * to nobody and is the last that it looks at, until it is asked to listen anew. A Unix socket would not survive that;
 * only children of this program connect to those.
 */
function rearm(server: Server): void {
  (server as unknown as ServerInternals)._handle?.listen(backlog);
}

async function listen(server: Server, address: Address): Promise<Address> {
  if (address.kind === "unix") {
    await listening(server, address, { path: address.path });
    if (!isWindows) await Deno.chmod(address.path, 0o600);
    return address;
  }
  const { port } = address;
  let { host } = address;
  if (host !== undefined) {
    await listening(server, address, { host, port });
  } else {
    // Every address is the IPv6 wildcard, which takes IPv4 as well, unless the machine has no IPv6.
    await listening(server, address, { host: "::", port }).catch((error: JumpstarterError) => {
      const { code } = error.cause as { code?: string };
      if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") throw error;
      host = "0.0.0.0";
      return listening(server, address, { host, port });
    });
  }
  const bound = server.address();
  return { ...address, host, port: typeof bound === "object" && bound !== null ? bound.port : port };
}

function listening(
  server: Server,
  address: Address,
  where: { path: string } | { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(listenError(address, cause));
    server.once("error", fail);
    server.listen(where, () => {
      server.off("error", fail);
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
    // As Deno has it.
    EINVAL: address.kind === "tcp"
      ? noSuchAddress
      : ["the path is too long for a socket", "set TMPDIR to a directory with a shorter path"],
    ENOTFOUND: ["the name does not resolve", "use an address of this machine, or only a port for every address"],
  };
  const [reason, hint] = known[cause.code ?? ""] ?? [cause.message, undefined];
  return new JumpstarterError("listen", `${where}: ${reason}`, { hint, cause });
}
