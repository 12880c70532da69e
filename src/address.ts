import { isIPv6 } from "node:net";
import { JumpstarterError } from "./errors.ts";
import type { Permission } from "./permission.ts";

/** The port of an exporter when none is named. */
const defaultPort = 19090;

/** How a URL begins. */
const urlStart = /^[a-z][a-z\d+.-]*:\/\//i;

/** Where an exporter listens or is found. */
export type Address = TcpAddress | UnixAddress;

/** A TCP address. */
export interface TcpAddress {
  readonly kind: "tcp";
  /** A name or an IP literal, without brackets; `undefined` is every address of the machine. */
  readonly host?: string;
  readonly port: number;
}

/** A Unix socket, or a named pipe of Windows. */
export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

/**
 * Reads the value of `--tls-grpc-listener`: `PORT`, `:PORT` or `HOST:PORT`. Without a host, or with `*`, it is every
 * address of the machine; port 0 picks a free one.
 *
 * @throws {JumpstarterError} `usage`.
 */
export function parseListenAddress(text: string): TcpAddress {
  if (/^\d+$/.test(text)) return { kind: "tcp", port: parsePort(text, text) };
  const { host, port } = splitHostPort(text);
  if (port === undefined) throw badAddress(text, "it has no port");
  return { kind: "tcp", host: host === "*" ? undefined : host || undefined, port: parsePort(port, text) };
}

/**
 * Reads the address of an exporter to connect to: `HOST:PORT`, `HOST` (with the port 19090), or the path of a Unix
 * socket (it has a slash, or `unix:` before it) or of a named pipe (`\\.\pipe\NAME`).
 *
 * @throws {JumpstarterError} `usage`.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return { kind: "unix", path: text.slice("unix:".length).replace(/^\/\/(?=\/)/, "") };
  if (/[/\\]/.test(text) && !urlStart.test(text)) return { kind: "unix", path: text };
  const { host, port } = splitHostPort(text);
  if (host === "") throw badAddress(text, "it has no host");
  if (port === undefined) return { kind: "tcp", host, port: defaultPort };
  const number = parsePort(port, text);
  if (number === 0) throw badAddress(text, "port 0 is no port to connect to");
  return { kind: "tcp", host, port: number };
}

/** An address as people write it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return address.path;
  const { host = "*", port } = address;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function splitHostPort(text: string): { host: string; port?: string } {
  if (urlStart.test(text)) throw badAddress(text, "it is a URL", " without a scheme");
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? "", port: bracketed[2] };
  if (isIPv6(text)) return { host: text };
  const [host = "", port, ...more] = text.split(":");
  if (more.length === 0) return { host, port };
  throw badAddress(text, "it is neither HOST:PORT nor an IPv6 address", " without a scheme");
}

function parsePort(port: string, text: string): number {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw badAddress(text, `"${port}" is no port (0 to 65535)`);
  return Number(port);
}

/** @param how How to write it. */
function badAddress(text: string, reason: string, how = ""): JumpstarterError {
  return new JumpstarterError("usage", `"${text}" is no address: ${reason}`, {
    hint: `write HOST:PORT${how}, such as 127.0.0.1:19090 or [::1]:19090`,
  });
}

/** What Deno has to allow to listen at an address. A wildcard is two, since a machine may be without IPv6. */
export function listenPermissions(address: Address): Permission[] {
  if (address.kind === "unix") {
    const of = address.path;
    return [{ kind: "net", of: `unix:${of}` }, { kind: "read", of }, { kind: "write", of }];
  }
  const { host, port } = address;
  if (host === undefined) return [`[::]:${port}`, `0.0.0.0:${port}`].map((of) => ({ kind: "net", of }));
  return [{ kind: "net", of: formatAddress(address) }];
}
