import { type ErrorCode, JumpstarterError } from "../errors.ts";
import { exitCodes } from "../exit_codes.ts";

const byErrorCode: Readonly<Record<ErrorCode, number>> = {
  usage: exitCodes.usage,
  config: exitCodes.config,
  listen: exitCodes.listen,
  connect: exitCodes.connect,
  unauthenticated: exitCodes.unauthenticated,
  connection_lost: exitCodes.connectionLost,
  not_ready: exitCodes.notReady,
  busy: exitCodes.busy,
  hook: exitCodes.hook,
  timeout: exitCodes.timeout,
  cancelled: exitCodes.interrupted,
  not_found: exitCodes.driver,
  unimplemented: exitCodes.driver,
  invalid_argument: exitCodes.driver,
  unavailable: exitCodes.driver,
  io: exitCodes.driver,
  driver: exitCodes.driver,
  internal: exitCodes.internal,
};

/** The exit code for an error that ends the program. */
export function exitCodeOf(error: unknown): number {
  return error instanceof JumpstarterError ? byErrorCode[error.code] : exitCodes.internal;
}
