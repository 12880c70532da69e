/**
 * Every exit code of `jmp` and `j`, in one table. `jmp shell -- CMD` ends with CMD's own code instead, once CMD runs.
 *
 * @module
 */

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
  /** Somebody else holds or uses the devices. */
  busy: 11,
  /** A fault of this program. */
  internal: 70,
  /** The command was found, and cannot be run. */
  notExecutable: 126,
  /** There is no such command. */
  notFound: 127,
  /** The user interrupted it (ctrl-C). */
  interrupted: 130,
  /** Whoever read its output has gone. */
  outputClosed: 141,
} as const;
