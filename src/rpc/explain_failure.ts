/**
 * Why an exporter cannot be reached. gRPC only says that it could not connect; a second look at the address, on the
 * way to an error message, finds the reason: no such name, nobody listening, TLS where plaintext was expected or
 * the reverse, a certificate that does not hold.
 */
import type { ServiceError } from "@grpc/grpc-js";
import { connect as connectTcp, type Socket } from "node:net";
import { type ErrorDetails, JumpstarterError } from "../errors.ts";
import { fitsSocket, longestSocketPath } from "../platform.ts";
import { formatAddress, type TcpAddress } from "../address.ts";
import { type ChannelOptions, defaultConnectTimeoutMs } from "./channel_options.ts";
import { libraryTerms } from "./connection_terms.ts";
import { GREETING } from "./http2_frames.ts";
import { presentedCertificate, RefusedCertificate, shownCertificate } from "./presented_certificate.ts";

/** What a call ends with that has had no answer in time. */
export const unanswered = "no answer in time";

/** The most that each step of the second look may take, unless the connection itself may take less. */
const maxStepMs = 3_000;

/** The same after a call that has had no answer: the time that it may take is over. */
const lastStepMs = 500;

/** The error for a call that never reached an exporter. */
export async function explainFailure(options: ChannelOptions, cause: ServiceError): Promise<JumpstarterError> {
  const where = formatAddress(options.address);
  const fail = (reason: string, details: ErrorDetails = {}) =>
    new JumpstarterError("connect", `Cannot connect to ${where}: ${reason}`, { cause, ...details });
  const { address, tls, connectTimeoutMs = defaultConnectTimeoutMs, terms = libraryTerms } = options;
  if (address.kind === "unix" && !fitsSocket(address.path)) {
    return fail("the path is too long for a socket", { hint: `it may have at most ${longestSocketPath} bytes` });
  }
  const isUnanswered = cause.details === unanswered;
  const stepMs = Math.min(isUnanswered ? lastStepMs : maxStepMs, connectTimeoutMs);
  const reached = await reach(address.kind === "unix" ? { path: address.path } : tcpTarget(address), stepMs);
  if (reached instanceof Error) return fail(...unreachable(reached));
  reached.destroy();
  if (isUnanswered) {
    const hint =
      "something takes connections there: check the port, and whether the exporter hangs or is still starting";
    return fail(`no answer within ${connectTimeoutMs / 1_000} s`, { hint });
  }
  if (address.kind === "unix") return fail(cause.details);
  // One look after the other, since each that is more than is needed leaves a line in the exporter's log.
  if (tls === undefined) {
    if (await shownCertificate(address, stepMs) !== undefined) {
      return fail("the exporter speaks TLS, and plaintext was asked for", { hint: terms.tls });
    }
    return await speaksHttp2(address, stepMs) ? fail(cause.details) : notAnExporter(where, cause);
  }
  const presented = await presentedCertificate(address, tls, terms, stepMs);
  if (presented !== undefined) {
    const { refusal } = presented;
    if (refusal === undefined) return fail(cause.details);
    return fail(refusal.reason, { hint: refusal.hint, cause: new RefusedCertificate(refusal, cause) });
  }
  return await speaksHttp2(address, stepMs)
    ? fail("the exporter speaks plaintext, and TLS was asked for", { hint: terms.plaintext })
    : fail("what listens there speaks neither TLS nor gRPC", { hint: "check the port" });
}

/** The error for a server that is none of ours. */
export function notAnExporter(where: string, cause: ServiceError): JumpstarterError {
  return new JumpstarterError("connect", `Cannot connect to ${where}: what listens there is no exporter`, {
    hint: "check the port",
    cause,
  });
}

function tcpTarget({ host = "localhost", port }: TcpAddress): { host: string; port: number } {
  return { host, port };
}

function reach(
  where: { path: string } | { host: string; port: number },
  stepMs: number,
): Promise<Socket | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const socket = connectTcp(where);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
    }, stepMs);
    const settle = (outcome: Socket | Error) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    socket.once("connect", () => settle(socket));
    socket.once("error", settle);
  });
}

function unreachable({ code = "", message }: NodeJS.ErrnoException): [string, ErrorDetails] {
  const known: Record<string, [string, string]> = {
    ECONNREFUSED: ["connection refused", "is the exporter running, and is the port right?"],
    ENOTFOUND: ["the name does not resolve", "check the host's name, or use its address"],
    EAI_AGAIN: ["the name does not resolve at the moment", "check the network, or use the host's address"],
    ETIMEDOUT: ["no answer", "check the address, and that no firewall is in the way"],
    EHOSTUNREACH: ["no route to the host", "check the network"],
    ENETUNREACH: ["no route to the network", "check the network"],
    ENOENT: ["no such socket", "is the exporter running?"],
    EACCES: ["permission denied", "the socket belongs to another user"],
  };
  const [reason, hint] = known[code] ?? [message, undefined];
  return [reason, { hint }];
}

/** Whether a plaintext HTTP/2 greeting is answered by a frame of type SETTINGS. */
async function speaksHttp2(address: TcpAddress, stepMs: number): Promise<boolean> {
  const socket = await reach(tcpTarget(address), stepMs);
  if (socket instanceof Error) return false;
  try {
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), stepMs);
      const settle = (answer: boolean) => {
        clearTimeout(timer);
        resolve(answer);
      };
      socket.once("data", (data) => settle(data.length >= 9 && data[3] === 4));
      socket.once("error", () => settle(false));
      socket.once("close", () => settle(false));
      socket.write(GREETING);
    });
  } finally {
    socket.destroy();
  }
}
