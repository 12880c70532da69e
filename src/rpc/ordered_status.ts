import { status, type StatusObject } from "@grpc/grpc-js";
import { Http2SubchannelCall } from "@grpc/grpc-js/build/src/subchannel-call.js";
import type { IncomingHttpHeaders } from "node:http2";

const statusHeader = "grpc-status";

type FinalStatus = Pick<StatusObject, "code">;

/** The statuses that a caller itself ends a call with. */
const byCaller: ReadonlySet<status | undefined> = new Set([status.CANCELLED, status.DEADLINE_EXCEEDED]);

/** What is needed of a call of grpc-js; its declared types keep that private. */
interface Internals {
  readonly http2Stream: { readonly readableLength: number };
  readonly unpushedReadMessages: readonly unknown[];
  readonly isReadFilterPending: boolean;
  readonly isPushPending: boolean;
  finalStatus: FinalStatus | null;
  handleTrailers(headers: IncomingHttpHeaders): void;
  outputStatus(): void;
}

/** Marks the class that has been changed. */
const changed = Symbol("keeps messages before errors");

/**
 * Makes grpc-js, as a client, hand over the messages of a call before the error that it ends with. Left to itself it
 * tells of the error at once and drops what has arrived and is not yet read: the last lines of a script that fails, or
 * the end of a stream that its peer closes with `ABORTED`. It keeps the order for calls that end well, so a call that
 * still has unread messages is taken for one of those until the moment when its status is told.
 *
 * It changes a class of grpc-js, which has no option for it (grpc/grpc-node, `Http2SubchannelCall.maybeOutputStatus`).
 */
export function keepMessagesBeforeErrors(): void {
  const prototype = Http2SubchannelCall.prototype as unknown as Internals;
  if (changed in prototype) return;
  Object.defineProperty(prototype, changed, { value: true });
  const { handleTrailers, outputStatus } = prototype;
  const errors = new WeakMap<Internals, FinalStatus>();
  prototype.handleTrailers = function (headers) {
    const code = Number(headers[statusHeader]);
    if (!(code > 0) || !hasUnread(this)) return handleTrailers.call(this, headers);
    handleTrailers.call(this, { ...headers, [statusHeader]: "0" });
    if (this.finalStatus !== null) errors.set(this, { ...this.finalStatus, code });
  };
  prototype.outputStatus = function () {
    const error = errors.get(this);
    // Who cancels meanwhile is told so; who writes to a call that has ended is told how it ended.
    if (error !== undefined && !byCaller.has(this.finalStatus?.code)) this.finalStatus = error;
    outputStatus.call(this);
  };
}

function hasUnread({ http2Stream, unpushedReadMessages, isReadFilterPending, isPushPending }: Internals): boolean {
  return http2Stream.readableLength > 0 || unpushedReadMessages.length > 0 || isReadFilterPending || isPushPending;
}
