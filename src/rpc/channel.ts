import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { ChannelCredentials, Client, connectivityState, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { ClientDuplexStream, ClientReadableStream } from "@grpc/grpc-js";
import type { Socket } from "node:net";
import { JumpstarterError } from "../errors.ts";
import { type Address, formatAddress } from "./address.ts";
import { type CallLimits, callOptions, CallsUnderWay, throwIfAborted } from "./call_limits.ts";
import type { ChannelOptions } from "./channel_options.ts";
import { explainFailure, notAnExporter } from "./explain_failure.ts";
import { goawayIsFatal, guardGoaway } from "./goaway_guard.ts";
import { keepMessagesBeforeErrors } from "./ordered_status.ts";
import { assertPassphrase, passphraseKey } from "./passphrase.ts";
import { methodCodec } from "./service.ts";
import { fromStatus, isReset } from "./status.ts";
import { secureConnection } from "./tls.ts";

/** A call with frames both ways. */
export interface DuplexCall<I, O> {
  readonly call: ClientDuplexStream<I, O>;
  /** The server's initial metadata, once it has come; the call's error when it ends before. */
  metadata(): Promise<Readonly<Record<string, string>>>;
  /** The error of a call that ended badly, in this project's terms. */
  explain(error: unknown): Promise<JumpstarterError>;
}

/** The dead are noticed within 30 s; more pings than these the Python peer would not permit. */
const keepalive = {
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
};

/** A connection to an exporter: typed calls, one error type, closed by disposal. */
export class Channel implements Disposable {
  readonly #client: Client;
  readonly #options: ChannelOptions;
  readonly #presented = new Map<string, string>();
  #wasConnected = false;
  #isForeign = false;
  /** Why the exporter cannot be reached, while that is looked into: once for all calls that fail together. */
  #search?: Promise<JumpstarterError>;
  readonly #underWay = new CallsUnderWay();

  /** Opens a channel; the connection itself begins with the first call. */
  constructor(options: ChannelOptions) {
    if (options.passphrase !== undefined) assertPassphrase(options.passphrase);
    this.#options = options;
    keepMessagesBeforeErrors();
    this.#client = new Client(target(options.address), new SocketCredentials(options), {
      ...keepalive,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_http_proxy": 0, // a device in the lab is never behind the company's web proxy
      // On a connection that ends while it is made, grpc-js would try again for ever and let nothing else run.
      "grpc.enable_retries": 0,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 2_000,
    });
  }

  /** Whether there was a connection, and there is none now. The next call makes a new one. */
  get wasLost(): boolean {
    return this.#wasConnected && this.#client.getChannel().getConnectivityState(false) !== connectivityState.READY;
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
    const { path, requestSerialize, responseDeserialize } = methodCodec(method);
    throwIfAborted(limits.signal);
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    const call = this.#client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata(),
      callOptions(limits),
      (error, response) => error === null ? resolve(response as MessageShape<O>) : reject(error),
    );
    call.once("metadata", this.#heard);
    const release = this.#underWay.add(call, limits.signal);
    try {
      return await promise;
    } catch (error) {
      throw await this.#explain(error);
    } finally {
      release();
    }
  }

  /** Calls a method that answers with a stream; leaving the loop cancels the call. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    request: MessageInitShape<I>,
    limits: CallLimits = {},
  ): AsyncGenerator<MessageShape<O>> {
    const { path, requestSerialize, responseDeserialize } = methodCodec(method);
    throwIfAborted(limits.signal);
    const call: ClientReadableStream<MessageShape<O>> = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata(),
      callOptions(limits),
    );
    call.once("metadata", this.#heard);
    const release = this.#underWay.add(call, limits.signal);
    try {
      for await (const response of call) yield response as MessageShape<O>;
    } catch (error) {
      throw await this.#explain(error);
    } finally {
      release();
      call.cancel();
    }
  }

  /** Opens a call with frames both ways; `metadata` goes with the request. */
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O },
    metadata: Readonly<Record<string, string>>,
    limits: CallLimits = {},
  ): DuplexCall<MessageInitShape<I>, MessageShape<O>> {
    const { path, requestSerialize, responseDeserialize } = methodCodec(method);
    throwIfAborted(limits.signal);
    const call: ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      this.#metadata(metadata),
      callOptions(limits),
    );
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, string>>>();
    promise.catch(() => {/* not everyone asks for it */});
    call.once("metadata", (metadata: Metadata) => {
      this.#heard(metadata);
      resolve(Object.fromEntries(Object.entries(metadata.getMap()).map(([key, value]) => [key, value.toString()])));
    });
    const release = this.#underWay.add(call, limits.signal);
    call.once("error", (error) => this.#explain(error).then(reject, reject));
    call.once("status", ({ code }) => {
      if (code === status.OK) reject(new JumpstarterError("connection_lost", "The other side has ended the stream"));
    });
    call.once("close", release);
    return { call, metadata: () => promise, explain: (error) => this.#explain(error) };
  }

  /** Closes the connection; calls under way are cancelled. */
  [Symbol.dispose](): void {
    // By itself grpc-js would let them go on, and a raw stream may never end.
    this.#underWay.cancel();
    this.#client.close();
  }

  #metadata(entries: Readonly<Record<string, string>> = {}): Metadata {
    const metadata = new Metadata();
    const { passphrase } = this.#options;
    if (passphrase !== undefined) metadata.set(passphraseKey, passphrase);
    for (const [key, value] of [...this.#presented, ...Object.entries(entries)]) metadata.set(key, value);
    return metadata;
  }

  /** A web server answers gRPC's questions with pages, which grpc-js would take for messages. */
  readonly #heard = (metadata: Metadata): void => {
    const [type] = metadata.get("content-type");
    this.#wasConnected ||= type === undefined || String(type).startsWith("application/grpc");
    this.#isForeign ||= !this.#wasConnected;
  };

  async #explain(error: unknown): Promise<JumpstarterError> {
    if (!isServiceError(error)) throw error;
    const isUp = this.#client.getChannel().getConnectivityState(false) === connectivityState.READY;
    const explained = fromStatus(error, isUp);
    const where = formatAddress(this.#options.address);
    if (this.#isForeign) return notAnExporter(where, error);
    if (explained.code === "unauthenticated") {
      const hint = `the exporter at ${where} wants the one it was started with: --passphrase, or JMP_GRPC_PASSPHRASE`;
      return new JumpstarterError("unauthenticated", explained.message, { hint, cause: error });
    }
    if (explained.code !== "connection_lost") return explained;
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
 * Credentials that prepare the socket themselves: TLS by this room's rules, and the GOAWAY guard where the running
 * Deno needs it. grpc-js has no public hook for either, and this is the seam that its own credentials use.
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
        const { connectTimeoutMs = 10_000 } = this.#options;
        endIfSilent(socket, connectTimeoutMs);
        const ready = await secured(socket, this.#options);
        const guarded = goawayIsFatal(Deno.version.deno) ? guardGoaway(ready, "client") as Socket : ready;
        return { socket: guarded, secure: this._isSecure() };
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

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as ServiceError).code === "number" && (error as ServiceError).code in
      status;
}
