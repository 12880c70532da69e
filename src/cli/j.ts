import { type Exporter, openChannel, openExporter } from "../client/mod.ts";
import type { CommandContext, CommandResult, DriverPackage } from "../driver/mod.ts";
import { JUMPSTARTER_HOST } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { addDrivers } from "./command_tree.ts";
import { commandTerminal } from "./command_terminal.ts";
import { connectionFromEnv, type Env } from "./connection_options.ts";
import { exitCodes } from "./exit_code.ts";
import { addGenericCommands } from "./generic_commands.ts";
import { writeErr, writeOut } from "./output.ts";
import { addLogOptions, type Command, createCommand, runProgram } from "./program.ts";

/** Drives the exporter that the environment names: `j power on`. Answers the exit code. */
export async function j(args: readonly string[], env: Env, packages: readonly DriverPackage[]): Promise<number> {
  const program = addLogOptions(createCommand("j"))
    .usage("[options] <driver> <command>")
    .description("Drive the devices of the exporter that this shell is connected to")
    .option("--json", "Print each result as one line of JSON");
  const host = env[JUMPSTARTER_HOST];
  if (!host) return await withoutExporter(program, args);
  using channel = openChannel(host, await connectionFromEnv(env));
  using terminal = commandTerminal(env);
  const { signal } = terminal.context;
  const exporter = await openExporter(channel, packages, { signal });
  await addCommands(program, exporter, args, terminal.context);
  try {
    await runProgram(program, args);
  } catch (error) {
    // Whatever the interruption broke, the interruption is the reason.
    throw signal.aborted ? signal.reason : error;
  }
  return terminal.exitCode ?? exitCodes.ok;
}

async function addCommands(
  program: Command,
  exporter: Exporter,
  args: readonly string[],
  context: CommandContext,
): Promise<void> {
  const print = (result: CommandResult, text?: (value: Json) => string) =>
    printResult(result, program.opts().json ? JSON.stringify : text ?? defaultText);
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
async function withoutExporter(program: Command, args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    writeErr("j: not in a jmp shell, so no devices are listed here\n");
    await runProgram(program, ["--help"]);
  }
  throw new JumpstarterError("usage", `There is no exporter to talk to: ${JUMPSTARTER_HOST} is not set`, {
    hint: "j works inside a shell of: jmp shell --tls-grpc HOST:PORT",
  });
}

function defaultText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

async function printResult(result: CommandResult, text: (value: Json) => string): Promise<void> {
  if (isAsyncIterable(result)) {
    for await (const value of result) writeOut(`${text(value)}\n`);
    return;
  }
  const value = await result;
  if (value !== undefined && value !== null) writeOut(`${text(value)}\n`);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Json> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
