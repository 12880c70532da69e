import { type ConnectionInjector, Server, ServerCredentials } from "@grpc/grpc-js";
import type { Http2Server, ServerHttp2Session, Settings } from "node:http2";
import { JumpstarterError } from "../errors.ts";

/** How much a peer may send ahead: on a whole connection, and on each stream of it. */
const WINDOW_BYTES = 1024 * 1024;

/** What every peer is told about the streams it opens. */
const WIDE_SETTINGS: Settings = { initialWindowSize: WINDOW_BYTES, maxFrameSize: 64 * 1024 };

/** What is needed of grpc-js that it has no option for; the declared types keep it private. */
interface Internals {
  readonly commonServerOptions: { settings?: Settings };
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

/** What is needed of a call of grpc-js to find its connection. */
interface CallInternals {
  readonly call?: { readonly stream?: { readonly session?: ServerHttp2Session } };
}

/**
 * A gRPC server that lets peers send 1 MiB ahead in frames of 64 KiB, where HTTP/2's defaults are 64 KiB and 16 KiB:
 * uploads run about twice as fast.
 */
export class WideServer extends Server {
  /** The connections that are open, and what fires when each is not any more. */
  readonly #sessions = new Map<ServerHttp2Session, AbortController>();

  /** What takes the connections that this server is to serve, as plaintext streams: TLS, if any, ends before it. */
  createInjector(): ConnectionInjector {
    const { commonServerOptions, http2Servers } = this as unknown as Internals;
    commonServerOptions.settings = { ...commonServerOptions.settings, ...WIDE_SETTINGS };
    const injector = this.createConnectionInjector(ServerCredentials.createInsecure());
    // The newest entry is the one just made. The settings widen streams alone; the connection has a window of its own.
    [...http2Servers.keys()].at(-1)?.on("session", (session) => {
      session.setLocalWindowSize(WINDOW_BYTES);
      const closed = new AbortController();
      this.#sessions.set(session, closed);
      session.once("close", () => {
        this.#sessions.delete(session);
        closed.abort(new JumpstarterError("cancelled", "The client is gone"));
      });
    });
    return injector;
  }

  /** Fires when the connection that a call has come on is closed. */
  connectionClosed(call: object): AbortSignal {
    const session = (call as CallInternals).call?.stream?.session;
    const closed = session === undefined ? undefined : this.#sessions.get(session);
    return closed?.signal ?? AbortSignal.abort(new JumpstarterError("cancelled", "The client is gone"));
  }

  /** Settles once each client has shown, by answering a ping, that it has all that was sent before, or has gone. */
  async delivered(): Promise<void> {
    await Promise.all(Array.from(this.#sessions.keys(), (session) =>
      new Promise<void>((resolve) => {
        session.once("close", resolve);
        if (session.destroyed || !session.ping(() => resolve())) resolve();
      })));
  }
}
