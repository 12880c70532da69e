/**
 * Calls a driver's methods for a client. This is the gate where whatever a driver throws becomes one of this
 * project's errors.
 */
import type { ByteStream, Call, CallContext, Method } from "../driver/mod.ts";
import { DriverError, type ErrorCode, type ErrorDetails, JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Logger } from "../log.ts";
import type { SchemaIssue } from "../schema.ts";
import { schemaProblems } from "../schema_problems.ts";
import type { DriverNode } from "./driver_node.ts";
import type { FileAccess } from "./resources.ts";
import { refusedAccess } from "./refused_access.ts";
import type { RunningCalls } from "./running_calls.ts";

/** Until when a call may go on, and what it may use. */
export interface CallLimits {
  /** Fires when the client gives up on the call, or goes. */
  readonly signal: AbortSignal;
  /** Fires when the client itself goes; made for those that ask for it. As `signal` by default. */
  clientGone?(): AbortSignal;
  /** The files that came with the call; none by default. */
  readonly files?: FileAccess;
  /** Where calls are noted while they run. */
  readonly running?: RunningCalls;
}

/** How long a call that was given up may take to end before the log says that others may wait for it. */
const overdueMs = 10_000;

/** Calls a method that answers once. */
export async function callMethod(
  node: DriverNode,
  name: string,
  args: readonly Json[],
  limits: CallLimits,
): Promise<Json> {
  const method = findMethod(node, name, "call");
  const parsed = parseArgs(node, name, method, args);
  using scope = new CallScope(node, name, limits);
  const context = new MethodContext(node, name, scope, limits);
  try {
    using _turn = await takeTurn(node, method, args, limits);
    limits.signal.throwIfAborted();
    return await method.run(node.device, parsed, context) ?? null;
  } catch (error) {
    throw toDriverError(node, name, error, context.signal);
  }
}

/** Calls a method that answers with many values. */
export async function* callStreamMethod(
  node: DriverNode,
  name: string,
  args: readonly Json[],
  limits: CallLimits,
): AsyncGenerator<Json> {
  const method = findMethod(node, name, "callStream");
  const parsed = parseArgs(node, name, method, args);
  using scope = new CallScope(node, name, limits);
  const context = new MethodContext(node, name, scope, limits);
  try {
    using _turn = await takeTurn(node, method, args, limits);
    limits.signal.throwIfAborted();
    yield* method.run(node.device, parsed, context);
  } catch (error) {
    throw toDriverError(node, name, error, context.signal);
  }
}

/** Opens a raw connection to a device. It waits for no turn: a console may stay open for as long as the bench does. */
export async function openStreamMethod(node: DriverNode, name: string, limits: CallLimits): Promise<ByteStream> {
  const method = findMethod(node, name, "openStream");
  const context = new MethodContext(node, name, { ended: limits.signal }, { ...limits, files: noFiles });
  try {
    return await method.run(node.device, context);
  } catch (error) {
    throw toDriverError(node, name, error, context.signal);
  }
}

/** Looks at own keys only, so that nothing a peer names reaches a prototype. */
function findMethod<Kind extends Method["kind"]>(
  { definition, path }: DriverNode,
  name: string,
  kind: Kind,
): Extract<Method, { kind: Kind }> {
  const method = Object.hasOwn(definition.methods, name) ? definition.methods[name] : undefined;
  if (method === undefined) {
    const hint = `it has ${Object.keys(definition.methods).join(", ") || "none"}`;
    throw new DriverError("not_found", `The driver "${path}" has no method "${name}"`, {
      hint,
      driver: path,
      method: name,
    });
  }
  if (method.kind !== kind) {
    const kinds = { call: "a plain call", callStream: "a streaming call", openStream: "a raw stream" };
    const message = `The method "${name}" of the driver "${path}" is ${kinds[method.kind]}, not ${kinds[kind]}`;
    throw new DriverError("not_found", message, { driver: path, method: name });
  }
  return method as Extract<Method, { kind: Kind }>;
}

function parseArgs(
  { path }: DriverNode,
  name: string,
  { args: schema }: { args?: Extract<Method, { kind: "call" }>["args"] },
  args: readonly Json[],
): readonly unknown[] {
  const refuse = (reason: string) =>
    new DriverError("invalid_argument", `${path}.${name}: ${reason}`, { driver: path, method: name });
  if (schema === undefined) {
    if (args.length > 0) throw refuse(`it takes no arguments, and got ${args.length}`);
    return [];
  }
  const outcome = schema.safeParse(args);
  if (outcome.success) return outcome.data;
  const { issues } = outcome.error;
  const isTooFew = ({ code, path }: SchemaIssue) => path.length === 0 && code === "too_small";
  const isTooMany = ({ code, path }: SchemaIssue) => path.length === 0 && code === "too_big";
  if (issues.some(isTooFew)) throw refuse(`it takes more arguments, and got ${args.length}`);
  if (issues.some(isTooMany)) throw refuse(`it takes fewer arguments, and got ${args.length}`);
  const problems = schemaProblems(schema, issues, [], args);
  throw refuse(problems.map(({ message }) => message.replace(/^item (\d+)/, argumentNumber)).join("; "));
}

/** What a schema counts as items from 0, its caller counts as arguments from 1. */
function argumentNumber(_item: string, index: string): string {
  return `argument ${Number(index) + 1}`;
}

/** The time of one call. */
class CallScope implements Disposable {
  /** What is made for the few calls that open a file: signals cost more than all else of a call. */
  #end: { readonly controller: AbortController; readonly signal: AbortSignal } | undefined;
  readonly #name: string;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #running: Disposable | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ path, log }: DriverNode, name: string, { signal, running }: CallLimits) {
    this.#name = `${path}.${name}`;
    this.#log = log;
    this.#signal = signal;
    this.#running = running?.begin(this.#name);
    signal.addEventListener("abort", this);
  }

  /** The call has been given up. */
  handleEvent(): void {
    const isOverdue = `was cancelled ${overdueMs / 1_000} s ago and has not ended; other calls may wait`;
    this.#timer = setTimeout(() => this.#log.warning(`${this.#name} ${isOverdue}`), overdueMs);
  }

  /** Fires when the client gives up, and when the method has returned. */
  get ended(): AbortSignal {
    if (this.#end === undefined) {
      const controller = new AbortController();
      this.#end = { controller, signal: AbortSignal.any([this.#signal, controller.signal]) };
    }
    return this.#end.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this);
    this.#running?.[Symbol.dispose]();
    this.#end?.controller.abort(new DriverError("driver", "the driver has ended its call without ending the file"));
  }
}

/** Waits for the driver's other calls, unless this one may overlap with them. Its files wait as well. */
async function takeTurn(
  { definition, turns }: DriverNode,
  { concurrent = definition.concurrent ?? false }: Pick<Call, "concurrent">,
  args: readonly Json[],
  { signal, files }: CallLimits,
): Promise<Disposable | undefined> {
  signal.throwIfAborted();
  if (concurrent) return undefined;
  using _held = files?.hold(args);
  return await turns.enter(signal);
}

/** What a method is given; what few ask for is made when they do. What a method opens is closed after the call. */
class MethodContext implements CallContext {
  readonly signal: AbortSignal;
  readonly #log: Logger;
  readonly #operation: string;
  readonly #scope: Pick<CallScope, "ended">;
  readonly #limits: CallLimits;

  constructor({ log }: DriverNode, operation: string, scope: Pick<CallScope, "ended">, limits: CallLimits) {
    this.signal = limits.signal;
    this.#log = log;
    this.#operation = operation;
    this.#scope = scope;
    this.#limits = limits;
  }

  get clientGone(): AbortSignal {
    return this.#limits.clientGone?.() ?? this.signal;
  }

  get log(): Logger {
    return this.#log.child({ operation: this.#operation });
  }

  get openSource(): CallContext["openSource"] {
    const { files = noFiles } = this.#limits;
    return (handle) => files.openSource(handle, this.#scope.ended);
  }

  get openSink(): CallContext["openSink"] {
    const { files = noFiles } = this.#limits;
    return (handle) => files.openSink(handle, this.#scope.ended);
  }
}

/** For calls that come without files. */
const noFiles: FileAccess = {
  openSource: () => Promise.reject(new DriverError("invalid_argument", "No file came with this call")),
  openSink: () => Promise.reject(new DriverError("invalid_argument", "No file came with this call")),
  hold: () => undefined,
};

/** What the operating system's error codes mean for the device; any other of them is a plain I/O error. */
const connectionFailures: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
]);

/** The error that a client is told, and a line in the exporter's log that says why. */
export function toDriverError(
  { path, definition, log }: DriverNode,
  operation: string,
  error: unknown,
  signal: AbortSignal,
): JumpstarterError {
  const hint = error instanceof JumpstarterError ? error.hint : undefined;
  const details = { driver: path, method: operation, hint, cause: error };
  const message = describe(error, path);
  const callLog = log.child({ operation });
  if (signal.aborted) {
    const what = `${path}.${operation} was cancelled`;
    // Most often what the end has brought about, but it may be that something was not put back.
    if (error !== signal.reason) callLog.debug(`${what}, and has ended with: ${message}`);
    return cancelled(what, signal.reason, details);
  }
  callLog.error(
    `${path}.${operation} of ${definition.type} failed: ${message}${hint === undefined ? "" : ` (${hint})`}`,
  );
  if (error instanceof Error && error.stack !== undefined) callLog.debug(error.stack);
  return new DriverError(errorCode(error), message, { ...details, byDriver: true });
}

/** Tells in the log of a device that does not let go of a raw stream; its client has gone. */
export function logStuck({ path, definition, log }: DriverNode, operation: string, error: unknown): void {
  const what = `${path}.${operation} of ${definition.type} has not let go of its stream`;
  log.child({ operation }).warning(`${what}: ${describe(error, path)}`);
}

/** Whoever ended the call knows why, and as what it counts. */
function cancelled(message: string, reason: unknown, details: ErrorDetails): JumpstarterError {
  if (!(reason instanceof JumpstarterError)) return new DriverError("cancelled", message, details);
  return new DriverError(reason.code, `${message}: ${reason.message}`, details);
}

function describe(error: unknown, path: string): string {
  const access = refusedAccess(error);
  if (access !== undefined) return `the driver "${path}" is not allowed ${access}`;
  if (error instanceof JumpstarterError) return error.message;
  if (!(error instanceof Error)) return String(error);
  return error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
}

function errorCode(error: unknown): ErrorCode {
  if (error instanceof JumpstarterError) return error.code;
  if (!(error instanceof Error)) return "driver";
  if (error.name === "TimeoutError" || error instanceof Deno.errors.TimedOut) return "timeout";
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return "driver";
  return connectionFailures.has(code) ? "unavailable" : code === "ETIMEDOUT" ? "timeout" : "io";
}
