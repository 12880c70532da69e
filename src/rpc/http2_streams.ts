import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Http2Stream } from "node:http2";
import type { Duplex } from "node:stream";

/** Where node:http2 tells of new streams, before anybody writes to them. */
const NEW_STREAMS = ["http2.server.stream.created", "http2.client.stream.created"] as const;

/** Where a socket carries who is told of its streams: they know it through a proxy alone. */
const listenersKey = Symbol("told of each HTTP/2 stream");

type Listener = (stream: Http2Stream) => void;

/**
 * Tells of each HTTP/2 stream that is opened on a socket, at either end, before anybody writes to it. Streams that
 * others in this process open on sockets of their own are none of them.
 *
 * @param socket A connected socket that HTTP/2 has not been given yet.
 */
export function onHttp2Stream(socket: Duplex, listener: Listener): void {
  const told: Listener[] = Reflect.get(socket, listenersKey) ?? [];
  Object.defineProperty(socket, listenersKey, { value: [...told, listener], configurable: true });
  for (const name of NEW_STREAMS) {
    unsubscribe(name, tell); // so that it is told once, however many sockets there are
    subscribe(name, tell);
  }
}

function tell(message: unknown): void {
  const { stream } = message as { stream: Http2Stream };
  const { session } = stream;
  if (session === undefined || session.destroyed) return;
  const told: readonly Listener[] = Reflect.get(session.socket, listenersKey) ?? [];
  for (const listener of told) listener(stream);
}
