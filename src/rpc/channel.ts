import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  Channel as GrpcChannel,
  ChannelCredentials,
  connectivityState,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { Socket } from "node:net";
import { JumpstarterError } from "../errors.ts";
import { type Address, formatAddress } from "../address.ts";
import { assertPassphrase } from "../passphrase.ts";
import { type CallLimits, CallsUnderWay, throwIfAborted } from "./call_limits.ts";
import { type ChannelOptions, defaultConnectTimeoutMs } from "./channel_options.ts";
import { ClientCall } from "./client_call.ts";
import { libraryTerms } from "./connection_terms.ts";
import { explainFailure, notAnExporter, unanswered } from "./explain_failure.ts";
import { forgetClientSessions } from "./forget_session.ts";
import { keepaliveOptions } from "./keepalive.ts";
import { mendSocket } from "./mended_socket.ts";
import { keepMessagesBeforeErrors } from "./ordered_status.ts";
import { passphraseKey } from "./passphrase.ts";
import { methodCodec } from "./service.ts";
import { fromStatus, isReset, isSaidByPeer, isWebAnswer } from "./status.ts";
import { secureConnection } from "./tls.ts";
import { WINDOW_BYTES } from "./window.ts";

/** A call of a method with messages of these types. */
type MethodCall<I extends DescMessage, O extends DescMessage> = ClientCall<MessageInitShape<I>, MessageShape<O>>;

/** A connection to an exporter: typed calls, one error type, closed by disposal. */
export class Channel implements Disposable {
  readonly #channel: GrpcChannel;
  readonly #options: ChannelOptions;
  readonly #presented = new Map<string, string>();
  #wasConnected = false;
  #isForeign = false;
  /** Why the exporter cannot be reached, while that is looked into: once for all calls that fail together. */
  #search?: Promise<JumpstarterError>;
  readonly #underWay = new CallsUnderWay();
  readonly #closed = new AbortController();

  /** Opens a channel; the connection itself begins with the first call. */
  constructor(options: ChannelOptions) {
    if (options.passphrase !== undefined) assertPassphrase(options.passphrase);
    this.#options = options;
    keepMessagesBeforeErrors();
    forgetClientSessions();
    this.#channel = new GrpcChannel(target(options.address), new SocketCredentials(options), {
      ...keepaliveOptions(options.keepalive),
      "grpc.client_idle_timeout_ms": 2 ** 31 - 1, // a session lasts until its client goes, however long it does nothing
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_http_proxy": 0, // a device in the lab is never behind the company's web proxy
      // On a connection that ends while it is made, grpc-js would try again for ever and let nothing else run.
      "grpc.enable_retries": 0,
      "grpc-node.flow_control_window": WINDOW_BYTES, // a file comes with a third less work than by 64 KiB at a time
      // What is kept for another try counts as sent, so nothing is kept.
      "grpc.per_rpc_retry_buffer_size": 0,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 2_000,
    });
  }

  /** How long the exporter may take to give its first answer, in milliseconds. */
  get connectTimeoutMs(): number {
    return this.#options.connectTimeoutMs ?? defaultConnectTimeoutMs;
  }

  /** Whether there was a connection, and there is none now. The next call makes a new one. */
  get wasLost(): boolean {
    return this.#wasConnected && !this.#isUp;
  }

  get #isUp(): boolean {
    return this.#channel.getConnectivityState(false) === connectivityState.READY;
  }

  /** Fires when the channel is disposed of. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Whether an entry of this key goes with every call. */
  presents(key: string): boolean {
    return this.#presented.has(key);
  }

  /** Sends a metadata entry along with every call from now on. */
  present(key: string, value: string): void {
    this.#presented.set(key, value);
  }

  /** Calls a method that answers once. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    request: MessageInitShape<I>,
    limits: CallLimits = {},
  ): Promise<MessageShape<O>> {
    const call = this.#open(method, limits);
    call.sendOnly(request);
    const response = await call.receive();
    if (response !== undefined && await call.receive() === undefined) return response;
    call.cancel();
    throw new JumpstarterError("io", `The exporter gave ${response ? "two answers" : "no answer"} to ${method.name}`);
  }

  /** Calls a method that answers with a stream; leaving the loop cancels the call. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    request: MessageInitShape<I>,
    limits: CallLimits = {},
  ): AsyncGenerator<MessageShape<O>> {
    const call = this.#open(method, limits);
    try {
      call.sendOnly(request);
      yield* call.messages();
    } finally {
      call.cancel();
    }
  }

  /** Opens a call with frames both ways; `metadata` goes with the request. */
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    metadata: Readonly<Record<string, string>>,
    limits: CallLimits = {},
  ): MethodCall<I, O> {
    return this.#open(method, limits, metadata);
  }

  /** Closes the connection; calls under way are cancelled. */
  [Symbol.dispose](): void {
    this.#closed.abort();
    // By itself grpc-js would let them go on, and a raw stream may never end.
    this.#underWay.cancel();
    this.#channel.close();
  }

  #open<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    { signal, timeoutMs }: CallLimits,
    entries: Readonly<Record<string, string>> = {},
  ): MethodCall<I, O> {
    throwIfAborted(signal);
    const codec = methodCodec(method);
    const deadline = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs;
    const inner = this.#channel.createCall(codec.path, deadline, null, null, null);
    const call = new ClientCall(inner, this.#metadata(entries), codec, this.#keeper);
    void call.ended.then(this.#underWay.add(call, signal));
    if (!this.#wasConnected) this.#endIfUnanswered(call);
    return call;
  }

  /** Before its first answer a peer may hang at any step, and grpc-js waits for ever for most of them. */
  #endIfUnanswered(call: Pick<MethodCall<DescMessage, DescMessage>, "cancel" | "ended">): void {
    const timer = setTimeout(() => {
      if (!this.#wasConnected) call.cancel(unanswered, status.UNAVAILABLE);
    }, this.connectTimeoutMs);
    void call.ended.then(() => clearTimeout(timer));
  }

  #metadata(entries: Readonly<Record<string, string>>): Metadata {
    const metadata = new Metadata();
    const { passphrase } = this.#options;
    if (passphrase !== undefined) metadata.set(passphraseKey, passphrase);
    for (const [key, value] of [...this.#presented, ...Object.entries(entries)]) metadata.set(key, value);
    return metadata;
  }

  readonly #keeper = {
    /** A web server answers gRPC's questions with pages, which grpc-js would take for messages. */
    heard: (metadata: Metadata): void => {
      const [type] = metadata.get("content-type");
      this.#wasConnected ||= type === undefined || String(type).startsWith("application/grpc");
      this.#isForeign ||= !this.#wasConnected;
    },
    explain: (error: ServiceError): Promise<JumpstarterError> => this.#explain(error),
  };

  async #explain(error: ServiceError): Promise<JumpstarterError> {
    const explained = fromStatus(error, this.#isUp && error.details !== unanswered);
    const { address, terms = libraryTerms } = this.#options;
    const where = formatAddress(address);
    if (this.#isForeign || isWebAnswer(error)) return notAnExporter(where, error);
    if (explained.code === "busy") {
      return new JumpstarterError("busy", explained.message, { hint: terms.hold, cause: error });
    }
    if (explained.code === "unauthenticated") {
      const hint = `the exporter at ${where} wants the one it was started with: ${terms.passphrase}`;
      return new JumpstarterError("unauthenticated", explained.message, { hint, cause: error });
    }
    if (explained.code !== "connection_lost" || isSaidByPeer(error)) return explained;
    this.#wasConnected ||= isReset(error.code, error.details);
    if (!this.#wasConnected) {
      this.#search ??= explainFailure(this.#options, error).finally(() => this.#search = undefined);
      return await this.#search;
    }
    return new JumpstarterError("connection_lost", `The connection to the exporter at ${where} was lost`, {
      hint: "see whether it is still running",
      cause: error,
    });
  }
}

/**
 * Credentials that prepare the socket themselves: TLS by this room's rules, and what the running Deno needs mended.
 * grpc-js has no public hook for either, and this is the seam that its own credentials use.
 */
class SocketCredentials extends ChannelCredentials {
  readonly #options: ChannelOptions;

  constructor(options: ChannelOptions) {
    super();
    this.#options = options;
  }

  override compose(): ChannelCredentials {
    return this;
  }

  override _isSecure(): boolean {
    return this.#options.tls !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[target, options, callCredentials]: Parameters<ChannelCredentials["_createSecureConnector"]>
  ): ReturnType<ChannelCredentials["_createSecureConnector"]> {
    const plain = ChannelCredentials.createInsecure()._createSecureConnector(target, options, callCredentials);
    return {
      waitForReady: () => plain.waitForReady(),
      getCallCredentials: () => plain.getCallCredentials(),
      destroy: () => plain.destroy(),
      connect: async (socket: Socket) => {
        endIfSilent(socket, this.#options.connectTimeoutMs ?? defaultConnectTimeoutMs);
        const ready = await secured(socket, this.#options);
        return { socket: mendSocket(ready, "client") as Socket, secure: this._isSecure() };
      },
    };
  }
}

/** grpc-js waits for ever for a peer that takes the connection and says nothing. */
function endIfSilent(socket: Socket, limitMs: number): void {
  const timer = setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy(new Error("no answer"));
  }, limitMs);
  socket.once("close", () => clearTimeout(timer));
}

async function secured(socket: Socket, { address, tls }: ChannelOptions): Promise<Socket> {
  if (tls === undefined || address.kind === "unix") return socket;
  const { secure, ready } = secureConnection({ socket }, address.host ?? "localhost", tls);
  socket.once("close", () => secure.destroy());
  await ready;
  return secure;
}

function target(address: Address): string {
  return address.kind === "unix" ? `unix:${address.path}` : `dns:${formatAddress(address)}`;
}
