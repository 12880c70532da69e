/**
 * One error class with a closed set of codes, and three subclasses that carry data.
 *
 * A code says what kind of thing went wrong, wherever it happened; the gRPC status (`rpc/status.ts`) and
 * the exit code (`cli/exit_code.ts`) are both derived from it.
 *
 * @module
 */

/**
 * What went wrong:
 *
 * - `usage`: the command line is wrong
 * - `config`: the configuration is wrong
 * - `listen`: an address cannot be listened on
 * - `connect`: no exporter answers at the address
 * - `unauthenticated`: the passphrase is missing or wrong
 * - `connection_lost`: the exporter was there and is gone
 * - `not_ready`: the exporter refuses calls in its present state
 * - `busy`: somebody else holds the devices
 * - `hook`: a hook failed
 * - `timeout`: something took longer than it may
 * - `cancelled`: the caller gave up
 * - `not_found`: no such driver, no such method of it, or nothing of that name in it
 * - `unimplemented`: the driver does not offer this
 * - `invalid_argument`: an argument has the wrong type, count or value
 * - `unavailable`: the connection to the device itself failed
 * - `io`: the operating system reported an error on the device
 * - `driver`: any other failure inside a driver
 * - `internal`: a fault of this program
 */
export type ErrorCode =
  | "usage"
  | "config"
  | "listen"
  | "connect"
  | "unauthenticated"
  | "connection_lost"
  | "not_ready"
  | "busy"
  | "hook"
  | "timeout"
  | "cancelled"
  | "not_found"
  | "unimplemented"
  | "invalid_argument"
  | "unavailable"
  | "io"
  | "driver"
  | "internal";

/** What a {@linkcode JumpstarterError} may carry beside its message. */
export interface ErrorDetails {
  /** What the reader can try, as one line without a full stop. */
  hint?: string;
  /** The error beneath this one; shown with `--log-level DEBUG` only. */
  cause?: unknown;
}

/**
 * The error that this library throws.
 *
 * @example
 * ```ts
 * import { JumpstarterError } from "@jumpstarter/cli";
 *
 * try {
 *   throw new JumpstarterError("connect", "Cannot connect to bench:19090", { hint: "is the exporter running?" });
 * } catch (error) {
 *   if (error instanceof JumpstarterError && error.code === "connect") console.error(error.hint);
 * }
 * ```
 */
export class JumpstarterError extends Error {
  /** The class name, as `Error.name` has it. */
  override readonly name: string = "JumpstarterError";
  /** What kind of thing went wrong. */
  readonly code: ErrorCode;
  /** What the reader can try, if anything is known to help. */
  readonly hint?: string;

  /** Makes an error of the given kind; the message says what failed and where, in one line. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** One thing that is wrong in a configuration, and where. */
export interface ConfigProblem {
  /** What is wrong, in one line. */
  message: string;
  /** The path of the value in the configuration, such as `["export", "power", "type"]`. */
  path: readonly (string | number)[];
  /** The line in the file, counted from 1; absent where there is no file position. */
  line?: number;
  /** The column in that line, counted from 1. */
  column?: number;
  /** What to try, such as the nearest known key. */
  hint?: string;
}

/** The configuration is wrong. Its message has one line for each problem. */
export class ConfigError extends JumpstarterError {
  /** The class name, as `Error.name` has it. */
  override readonly name = "ConfigError";
  /** The file (or other origin) that the problems are in. */
  readonly source: string;
  /** Every problem that was found, in the order of the file. */
  readonly problems: readonly ConfigProblem[];

  /** Makes an error from the problems found in `source`. */
  constructor(source: string, problems: readonly ConfigProblem[]) {
    super("config", problems.map((problem) => formatProblem(source, problem)).join("\n"));
    this.source = source;
    this.problems = problems;
  }
}

/** A driver failed: its own error, with the driver's name and method where they are known. */
export class DriverError extends JumpstarterError {
  /** The class name, as `Error.name` has it. */
  override readonly name = "DriverError";
  /** The driver's path in the tree, such as `bench.power`. */
  readonly driver?: string;
  /** The method that was called. */
  readonly method?: string;
  /** The driver itself says so, in a method that was found and called. */
  readonly byDriver: boolean;

  /** Makes an error of the given kind for a driver. */
  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { driver?: string; method?: string; byDriver?: boolean } = {},
  ) {
    super(code, message, details);
    this.driver = details.driver;
    this.method = details.method;
    this.byDriver = details.byDriver ?? false;
  }
}

/** A hook failed; carries the last lines that it printed. */
export class HookError extends JumpstarterError {
  /** The class name, as `Error.name` has it. */
  override readonly name = "HookError";
  /** The last lines of the hook's output, oldest first. */
  readonly output: readonly string[];

  /** Makes an error that says how the hook ended. */
  constructor(message: string, output: readonly string[], details: ErrorDetails = {}) {
    super("hook", message, details);
    this.output = output;
  }
}

/** `file:line:column: message (hint)`, with what is known of it. */
function formatProblem(source: string, { message, line, column, hint }: ConfigProblem): string {
  const place = line === undefined ? source : `${source}:${line}:${column ?? 1}`;
  return `${place}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}
