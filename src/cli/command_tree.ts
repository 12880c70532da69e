/**
 * The commands of `j`, made from what the exporter reports: a group for each driver, in it what its client offers.
 * No device is named here.
 */
import type { ClientNode } from "../client/mod.ts";
import type {
  Command as DriverCommand,
  CommandArgument,
  CommandInput,
  CommandOption,
  DriverClient,
} from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { Argument, type Command, createSubcommand, InvalidArgumentError, isFree, Option } from "./program.ts";

/** Runs one command that the user typed. */
export type RunCommand = (command: DriverCommand, client: DriverClient, input: CommandInput) => Promise<void>;

/**
 * Adds the drivers beneath `node`, and its own commands, to `parent`, which the words of `path` call.
 *
 * @param words What the user typed after `path`: a driver that has to be asked for its commands is asked only when
 * they name it.
 */
export async function addDrivers(
  parent: Command,
  path: string,
  node: ClientNode,
  words: readonly string[],
  run: RunCommand,
): Promise<void> {
  for (const child of node.children) {
    if (child.name === "" || !isFree(parent, child.name)) continue; // a fault of the exporter's, not of all its drivers
    const isNamed = words.includes(child.name);
    const group = createSubcommand(parent, path, child.name);
    await fillGroup(group, `${path} ${child.name}`, child, isNamed ? words : [], isNamed, run);
    parent.addCommand(group);
  }
}

async function fillGroup(
  group: Command,
  path: string,
  node: ClientNode,
  words: readonly string[],
  isNamed: boolean,
  run: RunCommand,
): Promise<void> {
  group.description(node.description ?? node.definition?.summary ?? missing(node));
  if (node.definition === undefined && node.children.length === 0) return fillStub(group, path, node);
  await addDrivers(group, path, node, words, run);
  const commands = node.definition?.commands ?? [];
  const own = typeof commands !== "function" ? commands : isNamed ? await commands(node.client) : [];
  for (const command of own) {
    if (!isFree(group, command.name)) continue; // a child of that name goes first, and `j call` reaches the method
    const built = createSubcommand(group, path, command.name);
    fillCommand(built, command, node, run);
    group.addCommand(built);
  }
}

function fillCommand(built: Command, command: DriverCommand, { client }: ClientNode, run: RunCommand): void {
  const described = command.method === undefined ? undefined : client.link.methodDescriptions[command.method];
  built.description(described || command.summary);
  if (command.passThrough) built.passThroughOptions().allowUnknownOption();
  for (const argument of command.args ?? []) built.addArgument(toArgument(argument));
  for (const option of command.options ?? []) built.addOption(toOption(option));
  built.action(() => run(command, client, toInput(command, built)));
}

function toArgument({ name, summary, optional, variadic, choices }: CommandArgument): Argument {
  const word = variadic ? `${name}...` : name;
  const argument = new Argument(optional ? `[${word}]` : `<${word}>`, summary);
  return choices === undefined ? argument : argument.choices([...choices]);
}

function toInput({ args = [], options = [] }: DriverCommand, built: Command): CommandInput {
  const values = built.opts<CommandInput["options"]>();
  return {
    args: Object.fromEntries(args.map(({ name }, index) => [name, built.processedArgs[index]])),
    options: Object.fromEntries(options.map((option) => [option.name, values[toOption(option).attributeName()]])),
  };
}

function toOption(
  { name, short, summary, type, default: otherwise, min, choices, repeatable }: CommandOption,
): Option {
  const value = type === "boolean" ? "" : ` <${type === "string" ? "text" : type}>`;
  const option = new Option(`${short === undefined ? "" : `-${short}, `}--${name}${value}`, summary);
  option.negate = false; // `--no-x` is an option by itself, and not the absence of `--x`
  if (otherwise !== undefined) option.default(otherwise);
  if (choices !== undefined) option.choices([...choices]).argParser((text) => parseChoice(text, choices));
  if (type === "integer" || type === "number") option.argParser((text) => parseNumber(text, type, min));
  if (repeatable) option.argParser((text, previous: string[] | undefined) => [...(previous ?? []), text]);
  return option;
}

/** Any case will do, as with the Python implementation's `--compression`. */
function parseChoice(text: string, choices: readonly string[]): string {
  const isMeant = (choice: string) => choice.toLowerCase() === text.toLowerCase();
  const choice = choices.includes(text) ? text : choices.find(isMeant);
  if (choice === undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
  return choice;
}

function parseNumber(text: string, type: "integer" | "number", min: number | undefined): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) {
    throw new InvalidArgumentError(`It must be ${type === "integer" ? "a whole number" : "a number"}.`);
  }
  if (min !== undefined && value < min) throw new InvalidArgumentError(`It must be at least ${min}.`);
  return value;
}

/**
 * A driver that this program has no client for still stands in the help, and says what is missing when used, and how
 * its methods are called.
 */
function fillStub(group: Command, path: string, node: ClientNode): void {
  const driver = path.split(" ").slice(1).join(".");
  const way = `j call ${driver} METHOD [JSON...]`;
  const methods = Object.entries(node.client.link.methodDescriptions);
  const width = Math.max(...methods.map(([name]) => name.length));
  const lines = methods.map(([name, summary]) => `\n  ${name.padEnd(width)}  ${summary}`);
  group.allowUnknownOption().argument("[words...]").usage("[options]")
    .addHelpText("after", `\nThis program has ${missing(node)}; call its methods by: ${way}`)
    .addHelpText("after", lines.length === 0 ? "" : `\nMethods:${lines.join("")}`)
    .action(() => {
      throw new JumpstarterError("unimplemented", `"${driver}": ${missing(node)}`, {
        hint: `${way} works all the same: the exporter is newer than this program, or uses a driver of its own`,
      });
    });
}

function missing({ label }: ClientNode): string {
  return `no client for ${label || "a driver without a class label"}`;
}
