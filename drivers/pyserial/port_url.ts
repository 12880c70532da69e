import { formatTarget } from "../../src/socket_stream.ts";

/** Where a serial port is. */
export type PortUrl =
  | { readonly kind: "device"; readonly path: string }
  | { readonly kind: "socket"; readonly host: string; readonly port: number }
  | { readonly kind: "loop" };

/** What a `url` may be, for messages. */
const supported = "a device such as /dev/ttyUSB0, socket://HOST:PORT or loop://";

/** Reads a `url` of the config. What is wrong with one is answered as text. */
export function parsePortUrl(url: string): PortUrl | string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return parseDevice(url);
  if (scheme === "loop") return { kind: "loop" };
  if (scheme === "socket") return parseSocket(url);
  const instead = scheme === "spy" ? '; the command "pipe -o FILE" writes down what it sends' : "";
  return `"${scheme}://" is not supported, but ${supported}${instead}`;
}

function parseDevice(path: string): PortUrl | string {
  return path.startsWith("/") && !path.includes("\0") ? { kind: "device", path } : `"${path}" is not ${supported}`;
}

function parseSocket(url: string): PortUrl | string {
  const { hostname = "", port = "", pathname = "" } = URL.parse(url) ?? {};
  if (hostname === "" || port === "" || port === "0" || !["", "/"].includes(pathname)) {
    return `"${url}" is not of the form socket://HOST:PORT`;
  }
  return { kind: "socket", host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** How a port reads in a message. */
export function formatPortUrl(url: PortUrl): string {
  if (url.kind === "device") return url.path;
  return url.kind === "loop" ? "loop://" : `socket://${formatTarget(url)}`;
}
