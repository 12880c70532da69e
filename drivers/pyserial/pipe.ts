import { type CommandContext, type CommandInput, inputFault } from "../../src/driver/mod.ts";
import { writeWhole } from "../../src/atomic_file.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { openFile } from "../../src/open_file.ts";
import type { PySerialClient } from "./serial_client.ts";

/** What `j NAME pipe` was told. */
export interface PipeOptions {
  /** The file that the port's output goes to; standard output without one. */
  readonly output?: string;
  /** Whether the file is added to. */
  readonly append: boolean;
  /** Whether standard input goes to the port. */
  readonly hasInput: boolean;
  /** Whether the port's output is wanted at all. */
  readonly hasOutput: boolean;
}

/**
 * Makes sense of the options: what is piped in is sent unless they say otherwise, what is typed only if they say so.
 *
 * @throws {JumpstarterError} `usage` for options that contradict each other.
 */
export function parsePipeOptions(
  options: CommandInput["options"],
  { isInteractive }: Pick<CommandContext, "isInteractive">,
): PipeOptions {
  const output = typeof options.output === "string" ? options.output : undefined;
  const append = options.append === true, hasOutput = options["no-output"] !== true;
  const wantsInput = options.input === true, wantsNone = options["no-input"] === true;
  if (wantsInput && wantsNone) throw usage("--input and --no-input exclude each other");
  if (!hasOutput && output !== undefined) throw usage("--no-output and --output exclude each other");
  if (!hasOutput && append) throw usage("--no-output and --append exclude each other");
  if (append && output === undefined) throw usage("--append needs --output");
  const hasInput = wantsInput || (!isInteractive && !wantsNone);
  if (!hasOutput && !hasInput) throw usage("--no-output needs something to send: pipe it in, or use --input");
  return { output, append, hasInput, hasOutput };
}

/** Connects the port with standard input and output. Ctrl-C is how it is meant to end. */
export async function runPipe(serial: PySerialClient, options: PipeOptions, context: CommandContext): Promise<void> {
  const { signal } = context;
  context.notice(describe(options));
  try {
    if (options.hasOutput) await receive(serial, options, context);
    else await serial.send(context.stdin, { signal });
  } catch (error) {
    // What is sent is then cut off, which must not look as if all had gone well.
    if (!signal.aborted || !options.hasOutput) throw error;
  }
}

/** Takes what the port sends until it ends. The end of standard input leaves the port talking. */
async function receive(serial: PySerialClient, options: PipeOptions, context: CommandContext): Promise<void> {
  const { readable, writable } = await serial.connect({ signal: context.signal });
  const over = new AbortController();
  const sent = options.hasInput ? context.stdin.pipeTo(writable, { signal: over.signal }) : undefined;
  sent?.catch(() => {/* told by what is read */});
  try {
    using sink = await openSink(options, context);
    for await (const bytes of readable) await sink.write(bytes);
    context.notice("the port has closed the connection");
  } catch (error) {
    throw sent === undefined ? error : await inputFault(error, sent, context.signal);
  } finally {
    over.abort();
    await readable.cancel().catch(() => {/* it has ended by itself */});
  }
}

/** Where the port's output goes. */
interface Sink extends Disposable {
  write(bytes: Uint8Array): Promise<void>;
}

async function openSink({ output, append }: PipeOptions, context: CommandContext): Promise<Sink> {
  if (output === undefined) {
    return { write: (bytes) => context.writeOut(bytes), [Symbol.dispose]: () => {} };
  }
  const failed = (cause: unknown) => fileError(output, cause);
  const how = { write: true, create: true, append, truncate: !append };
  const file = await openFile(context.path(output), how, context.signal).catch((cause) => {
    throw context.signal.aborted ? cause : failed(cause);
  });
  return {
    async write(bytes) {
      try {
        // Not by `file.writable`, which keeps the last bytes back until more come.
        await writeWhole(file, bytes);
      } catch (cause) {
        throw failed(cause);
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}

function fileError(name: string, cause: unknown): JumpstarterError {
  const reason = cause instanceof Deno.errors.NotFound
    ? "there is no such directory"
    : cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : cause instanceof Deno.errors.IsADirectory
    ? "it is a directory"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new JumpstarterError("config", `cannot write "${name}": ${reason}`, { cause });
}

function describe({ output, hasInput, hasOutput }: PipeOptions): string {
  if (!hasOutput) return "sending standard input to the port";
  const reading = output === undefined ? "reading the port" : `reading the port into "${output}"`;
  return `${reading}${hasInput ? " and sending it standard input" : ""}; ctrl-C ends this`;
}

function usage(message: string): JumpstarterError {
  return new JumpstarterError("usage", message);
}
