/**
 * Turns a service of promises and async iterables into what grpc-js serves.
 */
import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Buffer } from "node:buffer";
import { messagesOf } from "./call_reader.ts";
import { messageBytes } from "./message_bytes.ts";
import { pause } from "../pause.ts";
import { AcceptedCall, type CallConnection, type ServerCall } from "./server_call.ts";
import { release } from "./spent_bytes.ts";
import { toStatus } from "./status.ts";

/** The handler of one method, by its kind. */
export type MethodHandler<M> = M extends
  { methodKind: "unary"; input: infer I extends DescMessage; output: infer O extends DescMessage }
  ? (request: MessageShape<I>, call: ServerCall) => MessageInitShape<O> | Promise<MessageInitShape<O>>
  : M extends
    { methodKind: "server_streaming"; input: infer I extends DescMessage; output: infer O extends DescMessage }
    ? (request: MessageShape<I>, call: ServerCall) => AsyncIterable<MessageInitShape<O>>
  : M extends { methodKind: "bidi_streaming"; input: infer I extends DescMessage; output: infer O extends DescMessage }
    ? (requests: AsyncIterable<MessageShape<I>>, call: ServerCall) => AsyncIterable<MessageInitShape<O>>
  : never;

/** A handler for every method of a service. */
export type ServiceHandlers<S extends DescService> = { [N in keyof S["method"]]: MethodHandler<S["method"][N]> };

/** Where a server notes the calls that run. */
export interface RunningCalls {
  /** Notes a call from its beginning to its end. */
  add(call: Promise<void>): void;
}

/** What a service is told by the server that serves it. */
export interface Serving {
  /** Every call comes from a child of this program. */
  readonly isTrusted: boolean;
  /** Where calls are noted. */
  readonly running: RunningCalls;
  /** Takes a call that is let in, and answers the connection that it has come on. */
  admitCall(call: object): CallConnection;
}

/** A service that a server can serve. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  bind(serving: Serving): UntypedServiceImplementation;
}

/** Pairs a service's description with its handlers. */
export function bindService<S extends DescService>(service: S, handlers: ServiceHandlers<S>): BoundService {
  return {
    definition: Object.fromEntries(service.methods.map((method) => {
      // Responses come encoded: their sender goes by their size.
      return [method.localName, { ...methodCodec(method), responseSerialize: (bytes: Buffer) => bytes }];
    })),
    bind: (serving) =>
      Object.fromEntries(service.methods.map((method) => {
        const handler = handlers[method.localName as keyof S["method"]] as UntypedHandler;
        return [method.localName, adapt(method, handler, serving)];
      })),
  };
}

/** How a method is named on the wire, and how its messages become bytes and back. */
export interface MethodCodec<RequestInit, Request, ResponseInit, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(message: RequestInit): Buffer;
  requestDeserialize(bytes: Uint8Array): Request;
  responseSerialize(message: ResponseInit): Buffer;
  responseDeserialize(bytes: Uint8Array): Response;
}

/** The codec of a method, in the form that grpc-js takes. */
export function methodCodec<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { input: I; output: O },
): MethodCodec<MessageInitShape<I>, MessageShape<I>, MessageInitShape<O>, MessageShape<O>> {
  const { input, output, methodKind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: (message) => messageBytes(input, message),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => messageBytes(output, message),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

type UntypedHandler = (request: unknown, call: ServerCall) => unknown;

type ResponseSink = Pick<ServerWritableStream<unknown, Buffer>, "write">;

function adapt(
  method: DescMethod,
  handler: UntypedHandler,
  { running, isTrusted, admitCall }: Serving,
): UntypedHandleCall {
  const { responseSerialize: encode } = methodCodec(method);
  if (method.methodKind === "unary") {
    const answer = async (call: ServerUnaryCall<unknown, unknown>, respond: sendUnaryData<unknown>) => {
      using accepted = new AcceptedCall(call, admitCall(call), isTrusted);
      try {
        const response = await handler(call.request, accepted);
        respond(null, encode(response as MessageInitShape<DescMessage>));
      } catch (error) {
        respond(toStatus(error));
      }
    };
    return (call: ServerUnaryCall<unknown, unknown>, respond: sendUnaryData<unknown>) =>
      running.add(answer(call, respond));
  }
  const stream = async (call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>) => {
    using accepted = new AcceptedCall(call, admitCall(call), isTrusted);
    try {
      const request = "read" in call ? messagesOf(call) : call.request;
      const responses = handler(request, accepted) as AsyncIterable<MessageInitShape<DescMessage>>;
      await sendAll(call, responses, encode, accepted.signal);
      call.end();
    } catch (error) {
      if (!call.cancelled) call.emit("error", toStatus(error));
    }
  };
  return (call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>) =>
    running.add(stream(call));
}

/** How many bytes of responses may wait to be sent before the next one is asked for. */
const maxWaitingBytes = 1024 * 1024;

/** How long responses may follow each other, in milliseconds, until all else has a turn: their source may never wait. */
const maxTurnMs = 10;

/**
 * Sends every response, each only when there is room for it, and never so many that nothing else goes on. When the
 * caller goes, the source is told to return and not waited for: it may be in the midst of something that does not heed
 * its signal.
 */
async function sendAll<T>(
  call: ResponseSink,
  responses: AsyncIterable<T>,
  encode: (response: T) => Buffer,
  signal: AbortSignal,
): Promise<void> {
  const source = responses[Symbol.asyncIterator]();
  let waitingBytes = 0;
  let wake = () => {};
  let turnEnds = performance.now() + maxTurnMs;
  while (!signal.aborted) {
    if (performance.now() > turnEnds) {
      await pause(0); // an immediate comes before what the sockets have, time after time
      turnEnds = performance.now() + maxTurnMs;
    }
    const next = await unlessGone<IteratorResult<T>>(signal, (resolve, reject) => source.next().then(resolve, reject));
    if (next === undefined) break;
    if (next.done) return;
    const bytes = encode(next.value);
    const { length } = bytes;
    waitingBytes += length;
    call.write(bytes, () => {
      release(bytes);
      waitingBytes -= length;
      if (waitingBytes <= maxWaitingBytes) wake();
    });
    if (waitingBytes > maxWaitingBytes) await unlessGone<void>(signal, (resolve) => wake = () => resolve());
  }
  source.return?.().catch(() => {/* its caller has gone; the source's own errors were its driver's to log */});
}

/**
 * What `begin` comes to; nothing once `signal` fires. A race of promises would keep every value until the end.
 */
function unlessGone<T>(
  signal: AbortSignal,
  begin: (resolve: (value: T | undefined) => void, reject: (error: unknown) => void) => void,
): Promise<T | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
  const gone = () => resolve(undefined);
  signal.addEventListener("abort", gone, { once: true });
  begin(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", gone));
}
