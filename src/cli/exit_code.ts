/**
 * Every exit code of `jmp` and `j`, in one table. `jmp shell -- CMD` ends with CMD's own code instead, once CMD runs.
 */
import { type ErrorCode, JumpstarterError } from "../errors.ts";

/** What each exit code means; the README shows this table. */
export const exitCodes = {
  /** All went well. */
  ok: 0,
  /** A driver refused or failed. */
  driver: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration, a certificate or a file that was named is wrong. */
  config: 3,
  /** No exporter answers at the address. */
  connect: 4,
  /** The passphrase is missing or wrong. */
  unauthenticated: 5,
  /** A hook failed. */
  hook: 6,
  /** The exporter was there and is gone. */
  connectionLost: 7,
  /** Something took longer than it may. */
  timeout: 8,
  /** The exporter refuses calls in its present state. */
  notReady: 9,
  /** The address cannot be listened on. */
  listen: 10,
  /** A fault of this program. */
  internal: 70,
  /** The command was found, and cannot be run. */
  notExecutable: 126,
  /** There is no such command. */
  notFound: 127,
  /** The user interrupted it (ctrl-C). */
  interrupted: 130,
} as const;

const byErrorCode: Readonly<Record<ErrorCode, number>> = {
  usage: exitCodes.usage,
  config: exitCodes.config,
  listen: exitCodes.listen,
  connect: exitCodes.connect,
  unauthenticated: exitCodes.unauthenticated,
  connection_lost: exitCodes.connectionLost,
  not_ready: exitCodes.notReady,
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
