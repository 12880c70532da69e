import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { severities, type Severity } from "../log.ts";
import { exitCodes } from "./exit_code.ts";
import { writeErr, writeOut } from "./output.ts";

export { Argument, Command, CommanderError, InvalidArgumentError, Option };

/**
 * A command that writes through this room and never ends the process itself.
 *
 * @param path The words that call it, such as `j power cycle`; the last one is its name.
 */
export function createCommand(path: string): Command {
  const words = path.split(" ");
  return new Command(words.at(-1))
    .exitOverride()
    .configureOutput({ writeOut, writeErr, outputError: (text, write) => write(formatUsageError(words, text)) })
    .showHelpAfterError(`  see ${path} --help`)
    .helpOption("-h, --help", "Show this help")
    .helpCommand(false)
    .enablePositionalOptions();
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
