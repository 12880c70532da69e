/**
 * Sockets as byte streams: half close each way, back pressure both ways, and torn down at once when that is asked
 * for. Permissions: `--allow-net` for a host, `--allow-read` and `--allow-write` for a Unix socket's path.
 *
 * Node's sockets are used because theirs can be destroyed while a write waits for a peer that does not read; closing
 * a `Deno.Conn` leaves such a write, and the descriptor under it, for as long as the peer likes.
 *
 * @module
 */
import { createConnection, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type ErrorCode, JumpstarterError } from "./errors.ts";

/** Where a socket leads. */
export type SocketTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** The two directions of a socket. */
export interface SocketStream {
  /** What the peer sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes to the peer; closing it is a half close. */
  readonly writable: WritableStream<Uint8Array>;
}

/** How much may wait to be read before the peer is made to wait, in bytes. */
const readAheadBytes = 64 * 1024;

/** What people call the faults that a connection can have. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the other side",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network cannot be reached",
  ENOENT: "no such socket",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name does not resolve",
  EPIPE: "the other side takes no more",
  ETIMEDOUT: "no answer",
};

/** How a target reads in a message. */
export function formatTarget(target: SocketTarget): string {
  if ("path" in target) return target.path;
  return target.host.includes(":") ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

/** What went wrong with a connection, in this project's terms; `what` is what could not be done. */
export function connectionError(what: string, cause: unknown): JumpstarterError {
  if (cause instanceof JumpstarterError) return cause;
  const known = (cause as { code?: unknown } | undefined)?.code;
  const name = typeof known === "string" ? known : "";
  const reason = reasons[name] ?? (cause instanceof Error ? cause.message : String(cause));
  const code: ErrorCode = name === "ETIMEDOUT" ? "timeout" : "unavailable";
  return new JumpstarterError(code, `${what}: ${reason}`, { cause });
}

/** How {@linkcode openSocket} connects. */
export interface SocketOptions {
  /** Gives up connecting when it fires. */
  signal?: AbortSignal;
  /** Speak TLS, trusting the authorities of the system. */
  tls?: boolean;
}

/**
 * Connects to `target`, giving up when `signal` fires.
 *
 * @throws {JumpstarterError} `unavailable` when nobody answers there.
 */
export function openSocket(target: SocketTarget, { signal, tls }: SocketOptions = {}): Promise<SocketStream> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const options = { ...target, allowHalfOpen: true };
    const socket = tls ? connectTls({ ...options, servername: serverName(target) }) : createConnection(options);
    const settle = () => {
      socket.off("error", fail);
      signal?.removeEventListener("abort", giveUp);
    };
    const fail = (error: Error) => {
      settle();
      reject(connectionError(`cannot connect to ${formatTarget(target)}`, error));
    };
    const giveUp = () => {
      settle();
      // An error of a connection that nobody wants any more concerns nobody.
      socket.on("error", () => {}).destroy();
      reject(signal?.reason);
    };
    socket.once("error", fail);
    signal?.addEventListener("abort", giveUp);
    socket.once(tls ? "secureConnect" : "connect", () => {
      settle();
      if (!("path" in target)) socket.setNoDelay(true);
      resolve(socketStream(socket, formatTarget(target)));
    });
  });
}

/** A certificate is asked for by name only; TLS knows no addresses there. */
function serverName(target: SocketTarget): string | undefined {
  return "path" in target || isIP(target.host) > 0 ? undefined : target.host;
}

/**
 * The two directions of an open socket, which is the streams' own from now on: it is closed when both have ended, and
 * destroyed when either is aborted or cancelled.
 *
 * @param peer What the other side is called in an error.
 */
export function socketStream(socket: Socket, peer: string): SocketStream {
  const broken = (cause: unknown) => connectionError(`the connection to ${peer} broke`, cause);
  return { readable: readableOf(socket, broken), writable: writableOf(socket, broken) };
}

function readableOf(socket: Socket, broken: (cause: unknown) => JumpstarterError): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const finish = (end: () => void) => {
        if (isOver) return;
        isOver = true;
        end();
      };
      socket.on("data", (chunk: Uint8Array) => {
        if (isOver) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) socket.pause();
      });
      socket.once("end", () => finish(() => controller.close()));
      socket.on("error", (error) => finish(() => controller.error(broken(error))));
      socket.once("close", () => finish(() => controller.error(broken(new Error("it was closed")))));
      // Listening for data has set the socket going; nobody has asked for any yet.
      socket.pause();
    },
    pull: () => void socket.resume(),
    cancel() {
      isOver = true;
      socket.destroy();
    },
  }, new ByteLengthQueuingStrategy({ highWaterMark: readAheadBytes }));
}

function writableOf(socket: Socket, broken: (cause: unknown) => JumpstarterError): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    start(controller) {
      // An abort waits for the write under way, and that may wait for ever: the socket is what ends it.
      controller.signal.addEventListener("abort", () => socket.destroy());
      socket.on("error", (error) => controller.error(broken(error)));
      socket.once("close", () => {
        if (!socket.writableFinished) controller.error(broken(new Error("it was closed")));
      });
    },
    write(chunk) {
      return new Promise<void>((resolve, reject) =>
        socket.write(chunk, (error) => error ? reject(broken(error)) : resolve())
      );
    },
    close() {
      return new Promise<void>((resolve, reject) => {
        socket.once("close", resolve);
        socket.end((error?: Error | null) => error ? reject(broken(error)) : resolve());
      });
    },
    abort: () => void socket.destroy(),
  });
}
