import type { Json } from "../json.ts";
import type { DriverClient, DriverLink } from "./driver_client.ts";

/** A positional argument of a command. */
export interface CommandArgument {
  /** Its name in the help and in the input. */
  readonly name: string;
  /** What it is, for the help. */
  readonly summary: string;
  /** May be left out. */
  readonly optional?: boolean;
  /** Takes all words that are left. */
  readonly variadic?: boolean;
}

/** An option of a command. */
export interface CommandOption {
  /** Its long name, without dashes; also its name in the input. */
  readonly name: string;
  /** Its one-letter name, without the dash. */
  readonly short?: string;
  /** What it is, for the help; with the unit. */
  readonly summary: string;
  /** What its value is; a `boolean` takes none. */
  readonly type: "string" | "integer" | "number" | "boolean";
  /** Its value when it is not given. */
  readonly default?: string | number | boolean;
  /** The least value, for numbers. */
  readonly min?: number;
  /** The only values it takes. */
  readonly choices?: readonly string[];
}

/** What the user typed, already of the declared types. */
export interface CommandInput {
  /** Positional arguments by name; a variadic one is a list. */
  readonly args: Readonly<Record<string, string | string[] | undefined>>;
  /** Options by long name. */
  readonly options: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** What a command may use beside its client. */
export interface CommandContext {
  /** Fires when the user gives up (ctrl-C). */
  readonly signal: AbortSignal;
}

/** What a command answers: nothing, one value, or many. */
export type CommandResult = void | Json | AsyncIterable<Json> | Promise<void | Json>;

/** A command of `j`, as data: what it takes, what it does, and how its results read. */
export interface Command<Client extends DriverClient = DriverClient> {
  /** Its name under the driver. */
  readonly name: string;
  /** What it does, in a few words. */
  readonly summary: string;
  /** The driver method behind it, whose description in the exporter's config then replaces the summary. */
  readonly method?: string;
  /** Its positional arguments, in order. */
  readonly args?: readonly CommandArgument[];
  /** Its options. */
  readonly options?: readonly CommandOption[];
  /** Does it. */
  run(client: Client, input: CommandInput, context: CommandContext): CommandResult;
  /** How one value reads on a terminal; JSON by default. */
  text?(value: Json): string;
}

/** How clients of one label are made, and what `j` offers for them. */
export interface ClientDefinition<Client extends DriverClient = DriverClient> {
  /** The label `jumpstarter.dev/client` that it serves. */
  readonly label: string;
  /** What such a driver is, in a few words, unless the exporter says otherwise. */
  readonly summary: string;
  /** The class that test code gets. */
  readonly client: new (link: DriverLink) => Client;
  /** What `j NAME` offers. */
  readonly commands: readonly Command<Client>[];
}

/** Defines a driver's client. It returns its argument, checked. */
export function defineClient<Client extends DriverClient>(definition: ClientDefinition<Client>): ClientDefinition {
  return Object.freeze(definition) as ClientDefinition;
}
