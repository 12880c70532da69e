/**
 * Lets go of HTTP/2 sessions that have ended.
 *
 * Up to 2.9.3, Deno never frees the native half of a session, and that half holds on to the session, its socket, its
 * timers and whatever listened to it: 18 KB for every connection there ever was, both ends together, in an exporter that
 * runs for months. So once a session is closed, what its native half refers to is taken from it; some 100 bytes stay, and
 * 20 KB of nghttp2's own that nobody can reach. 2.9.4 frees sessions. The day that no older Deno is in use, this file and
 * its two uses go.
 *
 * @module
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { isOlder } from "./deno_release.ts";

/** The first Deno that frees sessions. */
const MENDED = "2.9.4";

/** Where node:http2 tells of new streams of a client; the server's sessions are told of by the server itself. */
const NEW_STREAM = "http2.client.stream.created";

/** Marks the sessions that are seen to. */
const seenKey = Symbol("is let go of when it is closed");

/** A session, as far as it matters here. */
interface Session {
  [key: symbol]: unknown;
  once(event: "close", listener: () => void): unknown;
}

/** Lets go of every session that a client of this process opens from now on. */
export function forgetClientSessions(): void {
  if (!isOlder(Deno.version.deno, MENDED)) return;
  unsubscribe(NEW_STREAM, forgetSessionOfStream); // so that it is told once, however often this is asked for
  subscribe(NEW_STREAM, forgetSessionOfStream);
}

function forgetSessionOfStream(message: unknown): void {
  const { session } = (message as { stream: { session?: Session } }).stream;
  if (session !== undefined) forgetWhenClosed(session);
}

/** Lets go of a session once it is closed. */
export function forgetWhenClosed(given: object): void {
  const session = given as Session;
  if (session[seenKey] === true || !isOlder(Deno.version.deno, MENDED)) return;
  session[seenKey] = true;
  const native = Object.getOwnPropertySymbols(session).map((key) => session[key]).find(isNativeSession);
  if (native !== undefined) session.once("close", () => queueMicrotask(() => clear(native)));
}

function isNativeSession(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value?.constructor.name === "Http2Session";
}

/** Functions stay functions, should it still call one. */
function clear(native: Record<PropertyKey, unknown>): void {
  for (const key of Reflect.ownKeys(native)) native[key] = typeof native[key] === "function" ? nothing : undefined;
}

function nothing(): void {}
