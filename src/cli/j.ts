import { type Exporter, openChannel, openExporter } from "../client/mod.ts";
import type { CommandContext, CommandResult, DriverPackage } from "../driver/mod.ts";
import { JUMPSTARTER_HOST } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Channel } from "../rpc/mod.ts";
import type { Terminal } from "../terminal.ts";
import { addDrivers } from "./command_tree.ts";
import { commandTerminal } from "./command_terminal.ts";
import { connectionFromEnv, type Env } from "./connection_options.ts";
import { envTerms } from "./connection_terms.ts";
import { exitCodes } from "../exit_codes.ts";
import { addGenericCommands } from "./generic_commands.ts";
import { addHelpCommand, addLogOptions, type Command, createCommand, runProgram, terminalOutput } from "./program.ts";
import { ProgressTerminal } from "./progress_terminal.ts";
import { tellFailure } from "./tell_failure.ts";

/** An exporter for as long as one command needs it. */
export interface BorrowedExporter extends Disposable {
  readonly exporter: Exporter;
}

/** Finds the exporter that a command is for; called only for a command that has one. */
export type BorrowExporter = (terminal: Terminal) => Promise<BorrowedExporter>;

/**
 * Drives the exporter that the terminal's environment names: `j power on`. Answers the exit code; whatever went wrong
 * has been told on the terminal.
 */
export async function j(args: readonly string[], plain: Terminal, borrow: BorrowExporter): Promise<number> {
  const terminal = new ProgressTerminal(plain);
  const run = async () => {
    try {
      return await drive(args, terminal, borrow);
    } catch (error) {
      // Whatever the interruption broke, the interruption is the reason.
      throw terminal.signal.aborted ? terminal.signal.reason : error;
    }
  };
  const code = await tellFailure("j", args, run, (text) => {
    if (!terminal.isOutputClosed) void terminal.writeErr(text);
  });
  await terminal.flush();
  return terminal.isOutputClosed ? exitCodes.outputClosed : code;
}

/** A command ends when it has lost its exporter: who typed it may find the devices otherwise than it left them. */
export const oneCommand = { reconnectTimeoutMs: 0 } as const;

/** Opens a channel to the exporter that an environment names. */
export async function channelFromEnv(env: Env): Promise<Channel> {
  return openChannel(env[JUMPSTARTER_HOST] ?? "", await connectionFromEnv(env), envTerms);
}

/** Connects anew, as a `j` without an agent does. */
export function connectAnew(packages: readonly DriverPackage[]): BorrowExporter {
  return async ({ facts: { env }, signal }) => {
    const channel = await channelFromEnv(env);
    try {
      return {
        exporter: await openExporter(channel, packages, { ...oneCommand, signal }),
        [Symbol.dispose]: () => channel[Symbol.dispose](),
      };
    } catch (error) {
      channel[Symbol.dispose]();
      throw error;
    }
  };
}

async function drive(args: readonly string[], terminal: ProgressTerminal, borrow: BorrowExporter): Promise<number> {
  const program = addHelpCommand(addLogOptions(createCommand("j", terminalOutput(terminal))))
    .usage("[options] <driver> <command>")
    .description("Drive the devices of the exporter that this shell is connected to")
    .option("--json", "Print each result as one line of JSON; bytes stay as they are");
  if (!terminal.facts.env[JUMPSTARTER_HOST]) return await withoutExporter(program, args, terminal);
  using borrowed = await borrow(terminal);
  const own = commandTerminal(terminal, () => program.opts().json === true);
  await addCommands(program, borrowed.exporter, args, terminal, own.context);
  await runProgram(program, args);
  return own.exitCode ?? exitCodes.ok;
}

async function addCommands(
  program: Command,
  exporter: Exporter,
  args: readonly string[],
  terminal: Terminal,
  context: CommandContext,
): Promise<void> {
  const print = (result: CommandResult, text?: (value: Json) => string) =>
    printResult(result, context.wantsJson ? JSON.stringify : text ?? defaultText, terminal);
  await addDrivers(
    program,
    "j",
    exporter.root,
    args,
    (command, client, input) => print(command.run(client, input, context), command.text?.bind(command)),
  );
  addGenericCommands(program, exporter, context, print);
}

/** Outside of a shell there are no devices to show; help is help all the same. */
async function withoutExporter(program: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  if (args[0] === "help" || args.includes("--help") || args.includes("-h")) {
    void terminal.writeErr("j: not in a jmp shell, so no devices are listed here\n");
    await runProgram(program, ["--help"]);
  }
  throw new JumpstarterError("usage", `There is no exporter to talk to: ${JUMPSTARTER_HOST} is not set`, {
    hint: "j works inside a shell of: jmp shell --tls-grpc HOST:PORT",
  });
}

function defaultText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

async function printResult(
  result: CommandResult,
  text: (value: Json) => string,
  terminal: Terminal,
): Promise<void> {
  if (isAsyncIterable(result)) {
    for await (const value of result) {
      await terminal.writeOut(`${text(value)}\n`);
      if (terminal.isOutputClosed) throw terminal.signal.reason;
    }
    return;
  }
  const value = await result;
  if (value !== undefined && value !== null) await terminal.writeOut(`${text(value)}\n`);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Json> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
