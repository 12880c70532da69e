/** A gRPC client that knows no messages: it sends bytes and tells what came. */
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { keepMessagesBeforeErrors } from "../../../src/rpc/ordered_status.ts";

/** How a call ended. */
export interface Answer {
  readonly messages: readonly Uint8Array[];
  /** The name of its gRPC status. */
  readonly status: string;
  readonly details: string;
}

/** A call under way. */
export interface AskedBytes {
  /** The initial metadata, once it is there. */
  readonly initial: Promise<Readonly<Record<string, string>>>;
  readonly answer: Promise<Answer>;
  /** The first message, once it is there. */
  readonly first: Promise<Uint8Array>;
  cancel(): void;
}

/** Connects to a port of the loopback. */
export class BytesClient implements Disposable {
  readonly #client: Client;

  constructor(port: number) {
    keepMessagesBeforeErrors();
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  /** Calls a method: sends `requests` and half-closes. */
  ask(path: string, metadata: Readonly<Record<string, string>>, requests: readonly Uint8Array[]): AskedBytes {
    const sent = new Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    const call = this.#client.makeBidiStreamRequest<Uint8Array, Uint8Array>(path, Buffer.from, (bytes) => bytes, sent);
    const messages: Uint8Array[] = [];
    const initial = Promise.withResolvers<Readonly<Record<string, string>>>();
    const first = Promise.withResolvers<Uint8Array>();
    const answer = Promise.withResolvers<Answer>();
    call.on("data", (bytes: Uint8Array) => {
      messages.push(bytes);
      first.resolve(bytes);
    });
    call.on("metadata", (metadata) => initial.resolve(metadata.getMap() as Record<string, string>));
    call.on("error", () => {/* the status tells it */});
    call.on("status", ({ code, details }) => {
      initial.resolve({}); // a call that fails at once has none
      answer.resolve({ messages, status: status[code] ?? String(code), details });
    });
    for (const bytes of requests) call.write(bytes);
    call.end();
    return { initial: initial.promise, answer: answer.promise, first: first.promise, cancel: () => call.cancel() };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
