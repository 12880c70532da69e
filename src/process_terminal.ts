import { JumpstarterError } from "./errors.ts";
import { exitCodes } from "./exit_codes.ts";
import { onSignals } from "./platform.ts";
import type { Screen, Terminal, TerminalFacts } from "./terminal.ts";

/** The terminal of this process. Signals are listened for, and keys come as lines again, until it is disposed of. */
export interface ProcessTerminal extends Terminal, Disposable {
  /** Settles when the user insists (a second ctrl-C), with the exit code to end with at once. */
  readonly forced: Promise<number>;
  /** Why stdout takes nothing more, unless it is for want of a reader. */
  readonly outputFault: JumpstarterError | undefined;
  /**
   * The exit code for one of this program's: what was interrupted ends with 128 and the number of the signal, and a
   * closed output that has a fault counts as a failure.
   */
  endCode(code: number): number;
}

/** The signals that give up, by their numbers, which are the same everywhere. */
const stopNumbers: Readonly<Record<"SIGINT" | "SIGTERM" | "SIGHUP", number>> = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

/** How long a reader that takes nothing is waited for once the user has given up. */
const patienceMs = 1_000;

/** Opens the terminal of this process, with these environment variables. */
export function openProcessTerminal(env: Readonly<Record<string, string>>): ProcessTerminal {
  const stop = new AbortController();
  const forced = Promise.withResolvers<number>();
  let stopNumber: number | undefined;
  const signals = onSignals(["SIGINT", "SIGTERM", "SIGHUP"], (name) => {
    stopNumber ??= stopNumbers[name];
    if (stop.signal.aborted) return forced.resolve(exitCodes.interrupted);
    stop.abort(new JumpstarterError("cancelled", "Interrupted"));
    setTimeout(() => {
      isImpatient = true;
      giveUpWrite();
    }, patienceMs);
  });
  let stdin: ReadableStream<Uint8Array> | undefined;
  let written = Promise.resolve();
  let isRaw = false;
  let isOutputClosed = false;
  let outputFault: JumpstarterError | undefined;
  let isImpatient = false;
  let giveUpWrite = () => {};
  const closeOutput = (error: unknown) => {
    isOutputClosed = true;
    if (!(error instanceof Deno.errors.BrokenPipe)) outputFault = outputError(error);
    stop.abort(outputFault ?? new JumpstarterError("cancelled", "Nobody reads the output any more"));
  };
  const write = (stream: typeof Deno.stdout, output: Uint8Array | string, onFailure: (error: unknown) => void) =>
    written = written.then(() => {
      // A race with one promise for all writes would keep something of each until the end.
      const { promise, resolve } = Promise.withResolvers<void>();
      giveUpWrite = resolve;
      writeAll(stream, toBytes(output), onFailure).then(resolve);
      if (isImpatient) resolve();
      return promise;
    });
  const terminal: ProcessTerminal = {
    facts: readFacts(env),
    signal: stop.signal,
    forced: forced.promise,
    get outputFault() {
      return outputFault;
    },
    endCode(code) {
      if (code === exitCodes.interrupted && stopNumber !== undefined) return 128 + stopNumber;
      return code === exitCodes.outputClosed && outputFault !== undefined ? exitCodes.driver : code;
    },
    get isOutputClosed() {
      return isOutputClosed;
    },
    get stdin() {
      return stdin ??= openStdin();
    },
    writeOut: (output) => isOutputClosed ? written : write(Deno.stdout, output, closeOutput),
    writeErr: (output) => write(Deno.stderr, output, () => {/* nobody can be told */}),
    flush: () => written,
    setRaw(wanted) {
      if (wanted !== isRaw) Deno.stdin.setRaw(isRaw = wanted);
    },
    [Symbol.dispose]() {
      terminal.setRaw(false);
      signals[Symbol.dispose]();
    },
  };
  return terminal;
}

function readFacts(env: Readonly<Record<string, string>>): TerminalFacts {
  return {
    cwd: Deno.cwd(),
    env,
    isInteractive: Deno.stdin.isTerminal(),
    out: screenOf(Deno.stdout, env),
    err: screenOf(Deno.stderr, env),
  };
}

/** COLUMNS says how wide the user wants it; without it the terminal itself does. */
function screenOf(stream: typeof Deno.stdout, { COLUMNS = "" }: Readonly<Record<string, string>>): Screen {
  const isTerminal = stream.isTerminal();
  if (/^[1-9]\d*$/.test(COLUMNS)) return { isTerminal, columns: Number(COLUMNS) };
  // One that nobody has told its size says 0.
  return isTerminal ? { isTerminal, columns: Deno.consoleSize().columns || undefined } : { isTerminal };
}

function toBytes(output: Uint8Array | string): Uint8Array {
  return typeof output === "string" ? new TextEncoder().encode(output) : output;
}

/** What is typed or piped in; why it cannot be read, such as a directory, is told in this project's terms. */
function openStdin(): ReadableStream<Uint8Array> {
  const reader = Deno.stdin.readable.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value } = await reader.read();
        if (value === undefined) controller.close();
        else controller.enqueue(value);
      } catch (cause) {
        throw stdioError("read standard input", cause);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** The error of a stdout that cannot be written, such as a file on a disk that is full. */
export function outputError(cause: unknown): JumpstarterError {
  return stdioError("write to standard output", cause);
}

function stdioError(what: string, cause: unknown): JumpstarterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new JumpstarterError("io", `cannot ${what}: ${reason}`, { cause });
}

/** Never fails: what goes wrong is told to `onFailure`. */
async function writeAll(
  stream: typeof Deno.stdout,
  bytes: Uint8Array,
  onFailure: (error: unknown) => void,
): Promise<void> {
  try {
    while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
  } catch (error) {
    onFailure(error);
  }
}
