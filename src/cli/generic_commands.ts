import type { Exporter } from "../client/mod.ts";
import { type CommandContext, type CommandResult, type DriverClient, inputFault } from "../driver/mod.ts";
import { DriverError } from "../errors.ts";
import type { Json } from "../json.ts";
import { type Command, createSubcommand, isFree } from "./program.ts";

/** Prints what a command answers. */
export type PrintResult = (result: CommandResult) => Promise<void>;

/**
 * Adds the commands that reach every driver, whether this program knows its class or not. A driver of the same name
 * goes first.
 */
export function addGenericCommands(
  program: Command,
  exporter: Exporter,
  context: CommandContext,
  print: PrintResult,
): void {
  if (isFree(program, "call")) {
    program.addCommand(
      createSubcommand(program, "j", "call")
        .description("Call any method of any driver")
        .argument("<driver>", "The driver's path, such as bench.power")
        .argument("<method>", "The method's name")
        .argument("[json...]", "The arguments, each as JSON; what is not JSON is taken as text")
        .passThroughOptions().allowUnknownOption()
        .action((path: string, method: string, words: string[]) =>
          print(callAny(exporter.driver(path), method, words.map(parseArgument), context))
        ),
    );
  }
  if (isFree(program, "stream")) {
    program.addCommand(
      createSubcommand(program, "j", "stream")
        .description("Connect standard input and output to a raw stream of any driver")
        .argument("<driver>", "The driver's path, such as bench.serial")
        .argument("[method]", "The stream's name", "connect")
        .action((path: string, method: string) => connectStdio(exporter.driver(path), method, context)),
    );
  }
}

/** A report does not say which methods answer once and which with a stream, so the second is tried after the first. */
async function* callAny(
  client: DriverClient,
  method: string,
  args: readonly Json[],
  { signal }: CommandContext,
): AsyncGenerator<Json> {
  let refusal: DriverError;
  try {
    yield await client.call(method, args, { signal });
    return;
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== "not_found") throw error;
    refusal = error;
  }
  try {
    yield* client.callStream(method, args, { signal });
  } catch (error) {
    throw error instanceof DriverError && error.code === "not_found" ? refusal : error;
  }
}

function parseArgument(word: string): Json {
  try {
    return JSON.parse(word);
  } catch {
    return word;
  }
}

/** Ends when the device has nothing more to say; the end of standard input only closes our direction. */
async function connectStdio(
  client: DriverClient,
  method: string,
  { signal, stdin, writeOut }: CommandContext,
): Promise<void> {
  const stream = await client.openStream(method, { signal });
  const sending = new AbortController();
  const sent = stdin.pipeTo(stream.writable, { signal: sending.signal });
  sent.catch(() => {/* told by the reading below */});
  try {
    for await (const bytes of stream.readable) await writeOut(bytes);
  } catch (error) {
    throw await inputFault(error, sent, signal);
  }
  sending.abort();
}
