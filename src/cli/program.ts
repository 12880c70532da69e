import { Argument, Command, CommanderError, InvalidArgumentError, Option, type OutputConfiguration } from "commander";
import { severities, type Severity } from "../log.ts";
import type { Terminal } from "../terminal.ts";
import { exitCodes } from "../exit_codes.ts";
import { printableLines, writeErr, writeOut } from "./output.ts";

export { Argument, Command, CommanderError, InvalidArgumentError, Option };

/** How wide help is where nobody says. */
const defaultColumns = 80;

/** How much room a description needs to be wrapped; the longest commands of drivers leave 37 columns of 80 for theirs. */
const minWidthToWrap = 30;

/**
 * A command that writes through this room and never ends the process itself.
 *
 * @param path The words that call it, such as `j power cycle`.
 * @param output Where its help and its errors go; to this process' own terminal by default.
 * @param name Its name; the last word of `path` by default.
 */
export function createCommand(
  path: string,
  output: OutputConfiguration = { writeOut, writeErr },
  name = path.split(" ").at(-1),
): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ ...output, outputError: (text, write) => write(formatUsageError(path.split(" "), text)) })
    .showHelpAfterError(`  see ${path} --help`)
    .configureHelp({ minWidthToWrap })
    .helpOption("-h, --help", "Show this help")
    .helpCommand(false)
    .enablePositionalOptions();
}

/** A command beneath another, which the words of `path` call; it writes where that one does. Its name may have spaces. */
export function createSubcommand(parent: Command, path: string, name: string): Command {
  return createCommand(`${path} ${name}`, parent.configureOutput(), name);
}

/** Whether a command has none of that name beneath it yet. */
export function isFree(parent: Command, name: string): boolean {
  return parent.commands.every((command) => command.name() !== name);
}

/** Help and errors on a terminal, as wide as it is. What they say of drivers is the exporter's own text. */
export function terminalOutput(terminal: Terminal): OutputConfiguration {
  const { env, out, err } = terminal.facts;
  return {
    writeOut: (text) => void terminal.writeOut(printableLines(text)),
    writeErr: (text) => void terminal.writeErr(printableLines(text)),
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

/** Has `help` do what `--help` does; a command of that name, such as a driver's, goes first. */
export function addHelpCommand(program: Command): Command {
  return program.helpCommand("help [command...]", "Show the help of a command");
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
  await program.parseAsync(withoutHelpCommand(program, args), { from: "user" });
}

/** `help run` as `run --help`: commander's own knows one word, and shows all there is for one that it does not know. */
function withoutHelpCommand(program: Command, args: readonly string[]): string[] {
  const [help, ...words] = args;
  if (help !== "help" || words[0] === undefined || !isFree(program, help)) return [...args];
  return isCommand(program, words) ? [...words, "--help"] : words; // which is told as the mistake that it is
}

/** Whether the words name a command, as far as it has commands beneath it. */
function isCommand(parent: Command, [word, ...more]: readonly string[]): boolean {
  if (word === undefined || parent.commands.length === 0) return true;
  const command = parent.commands.find((command) => command.name() === word);
  return command !== undefined && isCommand(command, more);
}

/** The exit code of an error that commander threw, which has already been told to the user. */
export function commanderExitCode(error: CommanderError): number {
  return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
}
