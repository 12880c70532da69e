import { type ChannelInterface, type Metadata, type ServiceError, status, type StatusObject } from "@grpc/grpc-js";
import type { Buffer } from "node:buffer";
import { JumpstarterError } from "../errors.ts";
import { release } from "./spent_bytes.ts";

/** A call as grpc-js has it, beneath its own streams. */
type GrpcCall = ReturnType<ChannelInterface["createCall"]>;

/** How the messages of a call become bytes and back. */
export interface CallCodec<I, O> {
  requestSerialize(message: I): Buffer;
  responseDeserialize(bytes: Uint8Array): O;
}

/** What a call asks of the channel that it is on. */
export interface CallKeeper {
  /** Told of the server's initial metadata, before anybody else. */
  heard(metadata: Metadata): void;
  /** The error of a call that ended badly, in this project's terms. */
  explain(error: ServiceError): Promise<JumpstarterError>;
}

/** How many bytes of messages may wait to be sent before a sender is held back. */
const maxUnsentBytes = 256 * 1024;

/**
 * A call from its caller's side. Messages are asked for one by one, and a sender is held back while there is no room,
 * so what a call keeps in memory is bounded both ways: gRPC's own streams count messages, of up to 4 MiB each.
 *
 * Whatever ends the call, each of its promises settles.
 */
export class ClientCall<I, O> {
  readonly #call: GrpcCall;
  readonly #codec: CallCodec<I, O>;
  readonly #keeper: CallKeeper;
  readonly #metadata = Promise.withResolvers<Metadata>();
  readonly #ended = Promise.withResolvers<StatusObject>();
  #status: StatusObject | undefined;
  #failure: Promise<JumpstarterError> | undefined;
  /** The next message, when it has come before it was asked for. */
  #message: Uint8Array | undefined;
  /** Wakes who waits for a message. */
  #received = () => {};
  #unsentBytes = 0;
  /** Whether a message has been taken; before that grpc-js has room for one alone. */
  #isTaken = false;
  /** Wakes who waits for room. */
  #sent = () => {};

  /** Begins a call. */
  constructor(call: GrpcCall, metadata: Metadata, codec: CallCodec<I, O>, keeper: CallKeeper) {
    this.#call = call;
    this.#codec = codec;
    this.#keeper = keeper;
    call.start(metadata, {
      onReceiveMetadata: (metadata) => {
        keeper.heard(metadata);
        this.#metadata.resolve(metadata);
      },
      onReceiveMessage: (bytes: Uint8Array) => {
        this.#message = bytes;
        this.#received();
      },
      onReceiveStatus: (status) => this.#end(status),
    });
    // One message is always asked for: grpc-js keeps without bound what comes before the first is.
    call.startRead();
  }

  /** How the call ended, once it has. */
  get ended(): Promise<StatusObject> {
    return this.#ended.promise;
  }

  /** The error that the call ended with, once it has ended; nothing when it ended well. */
  async failure(): Promise<JumpstarterError | undefined> {
    const { code, details, metadata } = await this.ended;
    if (code === status.OK) return undefined;
    const error = Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata });
    return await (this.#failure ??= this.#keeper.explain(error));
  }

  /** What is to be said of a call that has ended, well or not, before its caller was done. */
  async endedEarly(): Promise<JumpstarterError> {
    return await this.failure() ?? new JumpstarterError("connection_lost", "The other side has ended the stream");
  }

  /** The server's initial metadata, once it has come; an error when the call ends before. */
  async metadata(): Promise<Readonly<Record<string, string>>> {
    const metadata = await Promise.race([this.#metadata.promise, this.ended.then(() => undefined)]);
    if (metadata === undefined) throw await this.endedEarly();
    const entries = Object.entries(metadata.getMap());
    return Object.fromEntries(entries.map(([key, value]) => [key, value.toString()]));
  }

  /** Sends a message, and waits until there is room for another. One at a time. */
  async send(message: I): Promise<void> {
    if (this.#status === undefined) {
      this.#write(message);
      if (this.#isTaken && this.#unsentBytes <= maxUnsentBytes) return;
      await new Promise<void>((resolve) => this.#sent = resolve);
      if (this.#status === undefined) return;
    }
    throw await this.endedEarly();
  }

  /** Sends the only message of a call, and that there will be no more. */
  sendOnly(message: I): void {
    this.#write(message);
    this.#call.halfClose();
  }

  /** Says that no more messages will be sent. */
  halfClose(): void {
    if (this.#status === undefined) this.#call.halfClose();
  }

  /**
   * The next message; `undefined` when the call has ended well and there is none. One at a time.
   *
   * @throws {JumpstarterError} when the call has ended badly, after all messages that came before.
   */
  async receive(): Promise<O | undefined> {
    if (this.#message === undefined && this.#status === undefined) {
      await new Promise<void>((resolve) => this.#received = resolve);
    }
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) {
      const error = await this.failure();
      if (error !== undefined) throw error;
      return undefined;
    }
    if (this.#status === undefined) this.#call.startRead();
    return this.#decode(message);
  }

  /** All further messages; leaving the loop leaves the call as it is. */
  async *messages(): AsyncGenerator<O> {
    for (let next = await this.receive(); next !== undefined; next = await this.receive()) yield next;
  }

  /** Ends the call from this side, whatever its state; nothing when it has ended. */
  cancel(details = "Cancelled on client", code = status.CANCELLED): void {
    if (this.#status === undefined) this.#call.cancelWithStatus(code, details);
  }

  #end(status: StatusObject): void {
    if (this.#status !== undefined) return;
    this.#status = status;
    this.#ended.resolve(status);
    this.#received();
    this.#sent();
  }

  #write(message: I): void {
    const bytes = this.#codec.requestSerialize(message);
    const { length } = bytes;
    this.#unsentBytes += length;
    const callback = () => {
      this.#isTaken = true;
      release(bytes);
      this.#unsentBytes -= length;
      if (this.#unsentBytes <= maxUnsentBytes) this.#sent();
    };
    this.#call.sendMessageWithContext({ callback }, bytes);
  }

  #decode(bytes: Uint8Array): O {
    try {
      return this.#codec.responseDeserialize(bytes);
    } catch (cause) {
      const message = "What the exporter sent cannot be read";
      this.cancel(message);
      throw new JumpstarterError("io", message, { cause });
    }
  }
}
