import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { severities, type Severity } from "../log.ts";
import { exitCodes } from "./exit_code.ts";
import { writeErr, writeOut } from "./output.ts";

export { Command, CommanderError, InvalidArgumentError, Option };

/** A commander program that writes through this room and never ends the process itself. */
export function createProgram(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ writeOut, writeErr, outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)) })
    .showHelpAfterError(`  see ${name} --help`)
    .helpCommand(false)
    .enablePositionalOptions();
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
