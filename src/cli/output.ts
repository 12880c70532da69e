/**
 * The one place that writes to the terminal: results on stdout, everything else on stderr.
 */
import { ConfigError, JumpstarterError } from "../errors.ts";
import { atLeast, type LogRecord, type LogSink, type LogSource, type Severity } from "../log.ts";
import { outputError } from "../process_terminal.ts";

/** How log lines look. */
export type LogFormat = "text" | "json";

/** Erases a terminal's line from the cursor on. */
export const eraseRest = "\x1b[K";

const encoder = new TextEncoder();

/**
 * Writes text to stdout: what the command was asked for.
 *
 * @throws {JumpstarterError} `io` when it cannot be written, such as to a disk that is full.
 */
export function writeOut(text: string): void {
  try {
    writeAll(Deno.stdout, encoder.encode(text));
  } catch (error) {
    throw outputError(error);
  }
}

/**
 * Writes text to stderr: notices, logs, errors. It never throws: on a terminal that is closed or a disk that is full
 * there is nobody to tell, and what is being done goes on.
 */
export function writeErr(text: string): void {
  try {
    writeAll(Deno.stderr, encoder.encode(text));
  } catch {
    // An exporter still has devices to tidy.
  }
}

/** Writes lines that nobody waits for to stderr: on a terminal in place of the progress that a `j` may show there. */
export function writeUnasked(lines: string): void {
  writeErr(Deno.stderr.isTerminal() ? eraseRest + lines : lines);
}

/**
 * Writes an error as one line, and what to try as a second; its causes only where details are wanted.
 *
 * @param program Who says it: `jmp` or `j`.
 * @param write Where it goes; to stderr by default.
 */
export function writeError(program: string, error: unknown, hasDetails: boolean, write = writeErr): void {
  const known = error instanceof JumpstarterError;
  const prefix = known ? program : `${program}: internal error`;
  const message = error instanceof Error ? error.message : String(error);
  // A config's problems are a line each, which editors find their way by.
  const text = error instanceof ConfigError ? printableLines(message) : printable(message);
  write(`${prefix}: ${text}\n`);
  if (known && error.hint !== undefined) write(`  ${printable(error.hint)}\n`);
  if (!hasDetails) return;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) write(`${cause.stack}\n`);
}

/** A sink that writes log lines of at least `least` to stderr. */
export function terminalLog(least: Severity, format: LogFormat): LogSink {
  return atLeast(least, (record) => writeUnasked(format === "json" ? formatJson(record) : formatText(record)));
}

/** The line of a hook as a client shows it. */
export function formatHookLine({ source, message }: LogRecord): string {
  return `${hookPrefix(source)}${printable(message)}\n`;
}

/** Whether a line of a hook is one that a client inside of that hook has shown. */
export function isShownHookLine({ source, message }: LogRecord): boolean {
  return message.startsWith(hookPrefix(source));
}

function hookPrefix(source: LogSource): string {
  return `[${source}] `;
}

/** A log record as one line of text. */
export function formatText({ time, severity, source, driverType, message }: LogRecord): string {
  const clock = time.toTimeString().slice(0, 8);
  const origin = source === "system" ? "" : `[${driverType?.split(".").at(-1) ?? source}] `;
  return `${clock} ${severity.padEnd(8)}${origin}${printable(message)}\n`;
}

function formatJson({ time, ...record }: LogRecord): string {
  return `${JSON.stringify({ time: time.toISOString(), ...record })}\n`;
}

/**
 * Text from elsewhere as it may be shown: it cannot move the cursor, set the terminal's title, or pass for a line of
 * its own. Colours and tabs stay; a further line is set in.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b(?!\[[\d;:]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g, escaped)
    .replaceAll("\n", "\n    ");
}

/** The same for text that may have lines of its own. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    // Whoever read this has gone (`jmp inspect | head -1`), which is its right.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
