import { Argument, Command, CommanderError, InvalidArgumentError, Option, type OutputConfiguration } from "commander";
import { severities, type Severity } from "../log.ts";
import type { Terminal } from "../terminal.ts";
import { exitCodes } from "../exit_codes.ts";
import { writeErr, writeOut } from "./output.ts";

export { Argument, Command, CommanderError, InvalidArgumentError, Option };

/** How wide help is where nobody says. */
const defaultColumns = 80;

/**
 * A command that writes through this room and never ends the process itself.
 *
 * @param path The words that call it, such as `j power cycle`; the last one is its name.
 * @param output Where its help and its errors go; to this process' own terminal by default.
 */
export function createCommand(path: string, output: OutputConfiguration = { writeOut, writeErr }): Command {
  const words = path.split(" ");
  return new Command(words.at(-1))
    .exitOverride()
    .configureOutput({ ...output, outputError: (text, write) => write(formatUsageError(words, text)) })
    .showHelpAfterError(`  see ${path} --help`)
    .helpOption("-h, --help", "Show this help")
    .helpCommand(false)
    .enablePositionalOptions();
}

/** A command beneath another, which writes where that one does. */
export function createSubcommand(path: string, parent: Command): Command {
  return createCommand(path, parent.configureOutput());
}

/** Help and errors on a terminal, as wide as it is. */
export function terminalOutput(terminal: Terminal): OutputConfiguration {
  const { env, out, err } = terminal.facts;
  return {
    writeOut: (text) => void terminal.writeOut(text),
    writeErr: (text) => void terminal.writeErr(text),
    getOutHelpWidth: () => out.columns ?? defaultColumns,
    getErrHelpWidth: () => err.columns ?? defaultColumns,
    getOutHasColors: () => out.isTerminal && !env.NO_COLOR,
    getErrHasColors: () => err.isTerminal && !env.NO_COLOR,
  };
}

/** Commander's own wording on one line, after the program's name. */
function formatUsageError([program]: readonly string[], text: string): string {
  return `${program}: ${text.trim().replace(/^error: /, "").replace(/\n+/g, " ")}\n`;
}

/** The options that every command takes. */
export function addLogOptions(command: Command): Command {
  return command
    .addOption(new Option("--log-level <level>", "Least severity to log").choices([...severities]))
    .option("-v, --verbose", "Show details, as --log-level DEBUG does");
}

/** What the log options say. */
export function logLevel(options: { logLevel?: string; verbose?: boolean }, otherwise: Severity): Severity {
  if (options.verbose) return "DEBUG";
  return severities.find((severity) => severity === options.logLevel) ?? otherwise;
}

/** Parses and runs; answers the exit code that the command set, or that of a wrong command line. */
export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  await program.parseAsync([...args], { from: "user" });
}

/** The exit code of an error that commander threw, which has already been told to the user. */
export function commanderExitCode(error: CommanderError): number {
  return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
}
