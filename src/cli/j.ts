import { openChannel, openExporter } from "../client/mod.ts";
import type { Command as DriverCommand, CommandInput, DriverClient, DriverPackage } from "../driver/mod.ts";
import { JUMPSTARTER_HOST } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { addDrivers } from "./command_tree.ts";
import { connectionFromEnv, type Env } from "./connection_options.ts";
import { writeErr, writeOut } from "./output.ts";
import { addLogOptions, type Command, createCommand, runProgram } from "./program.ts";

/** Drives the exporter that the environment names: `j power on`. */
export async function j(args: readonly string[], env: Env, packages: readonly DriverPackage[]): Promise<void> {
  const program = addLogOptions(createCommand("j"))
    .usage("[options] <driver> <command>")
    .description("Drive the devices of the exporter that this shell is connected to");
  const host = env[JUMPSTARTER_HOST];
  if (!host) return await withoutExporter(program, args);
  using channel = openChannel(host, await connectionFromEnv(env));
  await using interrupt = interruption();
  const exporter = await openExporter(channel, packages, interrupt.signal);
  addDrivers(
    program,
    "j",
    exporter.root,
    (command, client, input) => runCommand(command, client, input, interrupt.signal),
  );
  await runProgram(program, args);
}

/** Outside of a shell there are no devices to show; help is help all the same. */
async function withoutExporter(program: Command, args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    writeErr("j: not in a jmp shell, so no devices are listed here\n");
    await runProgram(program, ["--help"]);
  }
  throw new JumpstarterError("usage", `There is no exporter to talk to: ${JUMPSTARTER_HOST} is not set`, {
    hint: "j works inside a shell of: jmp shell --tls-grpc HOST:PORT",
  });
}

async function runCommand(
  command: DriverCommand,
  client: DriverClient,
  input: CommandInput,
  signal: AbortSignal,
): Promise<void> {
  const text = command.text ?? ((value: Json) => typeof value === "string" ? value : JSON.stringify(value));
  const result = command.run(client, input, { signal });
  if (isAsyncIterable(result)) {
    for await (const value of result) writeOut(`${text(value)}\n`);
  } else {
    const value = await result;
    if (value !== undefined && value !== null) writeOut(`${text(value)}\n`);
  }
}

/** A signal that fires on ctrl-C, so that the call under way is cancelled at the exporter too. */
function interruption(): AsyncDisposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort(new JumpstarterError("cancelled", "Interrupted"));
  Deno.addSignalListener("SIGINT", abort);
  return {
    signal: controller.signal,
    [Symbol.asyncDispose]: () => Promise.resolve(Deno.removeSignalListener("SIGINT", abort)),
  };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Json> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
