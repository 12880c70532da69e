import type { Socket } from "node:net";
import type { FloodLog } from "./flood_log.ts";
import { plainPeer } from "./peer.ts";
import type { ServerLimits } from "./server_limits.ts";

/** One peer's connection, from its acceptance to its end. */
export interface Connection {
  /** Where the peer is, such as `192.0.2.7:51234`. */
  readonly peer: string;
  /** The socket as it was accepted, beneath TLS. */
  readonly socket: Socket;
  /** Who the peer is, by the name in its certificate. */
  identity?: string;
  /** It has presented the passphrase, or speaks HTTP/2 where none is asked for; it does not go to make room. */
  hasLoggedIn: boolean;
  /** This server has ended it, so that what its end looks like is no news. */
  isEnded: boolean;
}

/**
 * The connections of one listener. Each is given so long to become one of HTTP/2. When there are too many, the oldest
 * of those that have shown nothing goes, so that a peer who opens many keeps nobody else out.
 */
export class Connections {
  readonly #limits: Pick<ServerLimits, "maxConnections" | "handshakeMs">;
  readonly #log: FloodLog;
  /** The oldest first. */
  readonly #open = new Set<Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  /** TLS has a socket of its own above that of the connection, with the same addresses. */
  readonly #byAddress = new Map<string, Connection>();
  readonly #timers = new Map<Connection, ReturnType<typeof setTimeout>>();

  /** Begins without connections. */
  constructor(limits: Pick<ServerLimits, "maxConnections" | "handshakeMs">, log: FloodLog) {
    this.#limits = limits;
    this.#log = log;
  }

  /** Takes a connection in; when there are too many, it is ended at once, and nothing is answered. */
  take(socket: Socket): Connection | undefined {
    const address = addressOf(socket);
    const connection: Connection = {
      peer: address === undefined ? "a local program" : plainPeer(address),
      socket,
      hasLoggedIn: false,
      isEnded: false,
    };
    socket.on("error", () => {/* its close says the same */});
    this.#bySocket.set(socket, connection);
    if (this.#open.size >= this.#limits.maxConnections && !this.#makeRoom(connection.peer)) {
      this.#end(connection);
      return undefined;
    }
    this.#open.add(connection);
    if (address !== undefined) this.#byAddress.set(address, connection);
    const { handshakeMs } = this.#limits;
    this.#timers.set(connection, setTimeout(() => this.#isLate(connection), handshakeMs));
    socket.once("close", () => {
      this.established(connection);
      this.#open.delete(connection);
      if (address !== undefined && this.#byAddress.get(address) === connection) this.#byAddress.delete(address);
    });
    return connection;
  }

  /** The connection of a socket, which may be the TLS socket above it. */
  of(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket) ?? this.#byAddress.get(addressOf(socket) ?? "");
  }

  /** Notes that the peer speaks HTTP/2, and so is no longer in a hurry. */
  established(connection: Connection): void {
    clearTimeout(this.#timers.get(connection));
    this.#timers.delete(connection);
  }

  /** Ends a connection that is none to be served. */
  refuse(connection: Connection, reason: string): void {
    this.#note("foreign", connection, reason);
    this.#end(connection);
  }

  /** Ends all of them. */
  endAll(): void {
    for (const connection of this.#open) this.#end(connection);
  }

  #isLate(connection: Connection): void {
    const seconds = this.#limits.handshakeMs / 1_000;
    this.#note("late", connection, `its handshake took more than ${seconds} s`);
    this.#end(connection);
  }

  /** Ends the oldest connection that has shown nothing. */
  #makeRoom(peer: string): boolean {
    const { maxConnections } = this.#limits;
    for (const connection of this.#open) {
      if (connection.hasLoggedIn) continue;
      this.#note("room", connection, `there are more than ${maxConnections}`);
      this.#end(connection);
      return true;
    }
    const reason = `there are ${maxConnections} already`;
    this.#log.warning("full", `Connection from ${peer} refused: ${reason}`, { address: peer, reason });
    return false;
  }

  #note(kind: string, { peer, identity }: Connection, reason: string): void {
    this.#log.warning(kind, `Connection from ${peer} ended: ${reason}`, { address: peer, identity, reason });
  }

  #end(connection: Connection): void {
    connection.isEnded = true;
    this.#open.delete(connection);
    connection.socket.destroy();
  }
}

/** Address and port of the other end; nothing for a Unix socket, or one that has gone. */
function addressOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress && remotePort ? `${remoteAddress}:${remotePort}` : undefined;
}
