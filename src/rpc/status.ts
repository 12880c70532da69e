import { Metadata, type ServiceError, status, type StatusObject } from "@grpc/grpc-js";
import { DriverError, type ErrorCode, JumpstarterError } from "../errors.ts";

/** Error codes and the gRPC status that each travels as. Read the other way, the first row of a status counts. */
const table: readonly (readonly [ErrorCode, status])[] = [
  ["not_found", status.NOT_FOUND],
  ["unimplemented", status.UNIMPLEMENTED],
  ["invalid_argument", status.INVALID_ARGUMENT],
  ["timeout", status.DEADLINE_EXCEEDED],
  ["unavailable", status.UNAVAILABLE],
  ["io", status.INTERNAL],
  ["driver", status.UNKNOWN],
  ["not_ready", status.FAILED_PRECONDITION],
  ["busy", status.FAILED_PRECONDITION],
  ["unauthenticated", status.UNAUTHENTICATED],
  ["cancelled", status.CANCELLED],
  ["cancelled", status.ABORTED],
  ["hook", status.FAILED_PRECONDITION],
  ["connection_lost", status.UNAVAILABLE],
  ["internal", status.INTERNAL],
];

/** Trailing metadata with the exact code, for the codes that share a status; a peer that is not ours sends none. */
const codeKey = "x-jumpstarter-error";

/** The same with what to try, percent-encoded; a peer that is not ours passes it over. */
const hintKey = "x-jumpstarter-hint";

/** The status of a failed call, ready to end it with. */
export function toStatus(error: unknown): StatusObject {
  const { code, hint } = error instanceof JumpstarterError ? error : { code: "driver" as const };
  const metadata = new Metadata();
  metadata.set(codeKey, code);
  if (hint !== undefined) metadata.set(hintKey, encodeURI(fitTrailer(hint, maxHintBytes)));
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: statusOf(code, error),
    details: fitTrailer(message, maxDetailsBytes),
    metadata,
  };
}

/** NOT_FOUND tells peers that there is no such method; a file that a driver has not is any other error of it. */
function statusOf(code: ErrorCode, error: unknown): status {
  if (code === "not_found" && error instanceof DriverError && error.byDriver) return status.UNKNOWN;
  return table.find(([known]) => known === code)?.[1] ?? status.UNKNOWN;
}

/** How many bytes of a message travel. Peers refuse headers of 8 to 16 KiB, and do not say why the call failed then. */
const maxDetailsBytes = 4_096;
const maxHintBytes = 1_024;
const ellipsis = " …";

/** The text, or as much of its beginning as fits once it is percent-encoded; half a character cannot be encoded. */
function fitTrailer(written: string, maxBytes: number): string {
  const text = written.toWellFormed();
  if (text.length <= maxBytes / 12 || encodeURI(text).length <= maxBytes) return text;
  let left = maxBytes - encodeURI(ellipsis).length;
  let cut = "";
  for (const character of text) {
    left -= encodeURI(character).length;
    if (left < 0) break;
    cut += character;
  }
  return cut + ellipsis;
}

/** The error of a failed call. `wasConnected`: the transport was up when the call ended, so the peer itself said so. */
export function fromStatus(error: ServiceError, wasConnected: boolean): JumpstarterError {
  const details = { hint: readHint(error), cause: error };
  return new JumpstarterError(errorCode(error, wasConnected), error.details || status[error.code], details);
}

function readHint({ metadata }: ServiceError): string | undefined {
  const [hint] = metadata?.get(hintKey) ?? [];
  try {
    return hint === undefined ? undefined : decodeURI(String(hint));
  } catch {
    return undefined; // not written as ours are
  }
}

/**
 * How grpc-js words what HTTP/2 alone has told it: a write that failed, a stream cut off, a connection that was gone
 * before the stream began. No peer words it so.
 */
export function isReset(code: status, details: string): boolean {
  const isInternal = code === status.INTERNAL;
  return (isInternal && /internal client error|^Failed to start HTTP\/2 stream|without gRPC status/.test(details)) ||
    (code === status.CANCELLED && details === "Call cancelled") ||
    (code === status.UNAVAILABLE && details === "Connection dropped");
}

/** Whether a web server has refused the page that it took a call for; grpc-js words it so. What a 5xx means passes. */
export function isWebAnswer({ details }: ServiceError): boolean {
  return /^Received HTTP status code [34]\d\d$/.test(details);
}

/** Whether a peer of our own has said what went wrong, so that nothing is left to guess. */
export function isSaidByPeer({ metadata }: ServiceError): boolean {
  return table.some(([known]) => known === metadata?.get(codeKey)[0]);
}

function errorCode({ code, metadata, details }: ServiceError, wasConnected: boolean): ErrorCode {
  const sent = metadata?.get(codeKey)[0];
  const exact = table.find(([known]) => known === sent)?.[0];
  if (exact !== undefined) return exact;
  if (code === status.UNAVAILABLE && !wasConnected) return "connection_lost";
  if (isReset(code, details)) return "connection_lost";
  return table.find(([, known]) => known === code)?.[0] ?? "driver";
}
