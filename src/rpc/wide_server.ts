import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServerOptions,
  type StatusObject,
} from "@grpc/grpc-js";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream, Settings } from "node:http2";
import type { Duplex } from "node:stream";
import { JumpstarterError } from "../errors.ts";
import type { Connection } from "./connections.ts";
import { forgetWhenClosed } from "./forget_session.ts";
import type { CallConnection } from "./server_call.ts";
import { ADMITTED_WINDOW_BYTES, WINDOW_BYTES } from "./window.ts";

/** What every peer is told about the streams it opens. A frame takes a message of 64 KiB with what it is wrapped in. */
const WIDE_SETTINGS: Settings = { initialWindowSize: WINDOW_BYTES, maxFrameSize: 65 * 1024 };

/** What is needed of grpc-js that it has no option for; the declared types keep it private. */
interface Internals {
  readonly commonServerOptions: { settings?: Settings };
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
  _respondWithError(error: Partial<StatusObject>, stream: ServerHttp2Stream, info?: unknown): void;
  _verifyContentType(stream: ServerHttp2Stream, headers: unknown): boolean;
}

/** A session that is open. */
interface OpenSession {
  readonly session: ServerHttp2Session;
  /** Fires when it is not any more. */
  readonly closed: AbortController;
  /** Whose it is. */
  connection?: Connection;
  /** Its client may send as far ahead as one whose call was let in. */
  isWide: boolean;
}

/** What is needed of a call of grpc-js to find its connection: an interceptor's call has the real one beneath it. */
interface CallInternals {
  readonly call?: CallInternals;
  readonly nextCall?: CallInternals;
  readonly stream?: { readonly session?: ServerHttp2Session };
}

/**
 * A gRPC server that lets peers send 1 MiB ahead in frames of 65 KiB, where HTTP/2's defaults are 64 KiB and 16 KiB:
 * uploads run about twice as fast. Those that are let in may go further.
 */
export class WideServer extends Server {
  readonly #sessions = new Map<ServerHttp2Session, OpenSession>();
  #latest?: ServerHttp2Session;

  /** Makes a server with the options of grpc-js. */
  constructor(options?: ServerOptions) {
    super(options);
    refuseInPeace(this as unknown as Internals);
  }

  /**
   * What takes the connections that this server is to serve, as plaintext streams: TLS, if any, ends before it.
   *
   * @param maxMetadataBytes How long the metadata of a call may be; HTTP/2 peers are told.
   */
  createInjector(maxMetadataBytes?: number): ConnectionInjector {
    const { commonServerOptions, http2Servers } = this as unknown as Internals;
    const limit: Settings = maxMetadataBytes === undefined ? {} : { maxHeaderListSize: maxMetadataBytes };
    commonServerOptions.settings = { ...commonServerOptions.settings, ...WIDE_SETTINGS, ...limit };
    const injector = this.createConnectionInjector(ServerCredentials.createInsecure());
    // The newest entry is the one just made. The settings widen streams alone; the connection has a window of its own.
    [...http2Servers.keys()].at(-1)?.on("session", (session) => {
      session.setLocalWindowSize(WINDOW_BYTES);
      forgetWhenClosed(session);
      const closed = new AbortController();
      this.#sessions.set(session, { session, closed, isWide: false });
      this.#latest = session;
      session.once("close", () => {
        this.#sessions.delete(session);
        closed.abort(clientGone());
      });
    });
    return injector;
  }

  /**
   * Serves a connection.
   *
   * @param stream What HTTP/2 is spoken on.
   * @param onEstablished Told once the peer has shown that it speaks HTTP/2.
   */
  serveConnection(
    injector: ConnectionInjector,
    stream: Duplex,
    connection: Connection,
    onEstablished: () => void,
  ): void {
    injector.injectConnection(stream);
    const session = this.#latest; // it is made at once
    const known = session && this.#sessions.get(session);
    this.#latest = undefined;
    if (known === undefined) return;
    known.connection = connection;
    session?.once("remoteSettings", onEstablished);
  }

  /** Takes a call that is let in, and answers the connection that it has come on, as the call's handler knows it. */
  admitCall(call: object): CallConnection {
    const known = this.#sessionOf(call);
    if (known !== undefined) widen(known);
    const { peer = "unknown", identity } = known?.connection ?? {};
    return { peer, identity, closed: known?.closed.signal ?? AbortSignal.abort(clientGone()) };
  }

  /** The connection that a call has come on, unless it is closed. */
  connectionOf(call: object): Connection | undefined {
    return this.#sessionOf(call)?.connection;
  }

  /** Settles once each client has shown, by answering a ping, that it has all that was sent before, or has gone. */
  async delivered(): Promise<void> {
    await Promise.all(Array.from(this.#sessions.keys(), (session) =>
      new Promise<void>((resolve) => {
        session.once("close", resolve);
        if (session.destroyed || !session.ping(() => resolve())) resolve();
      })));
  }

  #sessionOf(call: CallInternals): OpenSession | undefined {
    let inner: CallInternals | undefined = call;
    while (inner !== undefined && inner.stream === undefined) inner = inner.call ?? inner.nextCall;
    const session = inner?.stream?.session;
    return session === undefined ? undefined : this.#sessions.get(session);
  }
}

/** Lets a client send further ahead from its first call on; nobody who may not call has so much room in memory. */
function widen(known: OpenSession): void {
  const { session } = known;
  if (known.isWide || session.destroyed) return;
  known.isWide = true;
  session.settings({ initialWindowSize: ADMITTED_WINDOW_BYTES });
  session.setLocalWindowSize(ADMITTED_WINDOW_BYTES);
}

function clientGone(): JumpstarterError {
  return new JumpstarterError("cancelled", "The client is gone");
}

/**
 * Has calls that are none refused as others are. By itself grpc-js answers them even when their streams are gone
 * already, which throws where nobody catches it; and it does not encode the path that it repeats.
 */
function refuseInPeace(server: Internals): void {
  const respond = server._respondWithError.bind(server), verify = server._verifyContentType.bind(server);
  server._respondWithError = (error, stream, info) => {
    if (!stream.destroyed) respond({ ...error, details: encodeURI(error.details ?? "") }, stream, info);
  };
  server._verifyContentType = (stream, headers) => !stream.destroyed && verify(stream, headers);
}
