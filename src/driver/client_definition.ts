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
  /** The only values it takes. */
  readonly choices?: readonly string[];
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
  /** The only values it takes; the user may type them in any case. */
  readonly choices?: readonly string[];
  /** May be given more than once; its values are a list. */
  readonly repeatable?: boolean;
}

/** What the user typed, already of the declared types. */
export interface CommandInput {
  /** Positional arguments by name; a variadic one is a list. */
  readonly args: Readonly<Record<string, string | string[] | undefined>>;
  /** Options by long name. */
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
}

/**
 * What a command may use beside its client: the terminal, the directory and the environment of the user who typed it.
 *
 * A command may run in another process than the user's `j`, together with other commands. So it takes all of these
 * from here, never from `Deno.cwd()`, `Deno.env` or `Deno.stdin`, and reads a file `NAME` as `context.path(NAME)`.
 * Results are better returned than written.
 */
export interface CommandContext {
  /** Fires when the user gives up (ctrl-C), or is gone. */
  readonly signal: AbortSignal;
  /** What is typed or piped in. Nothing is taken from it before it is read. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Whether a person types it. */
  readonly isInteractive: boolean;
  /**
   * Whether what is printed is to be lines of JSON (`j --json`). Results that are returned are printed so anyhow; what a
   * command writes by itself, it writes so where it is text and not just bytes.
   */
  readonly wantsJson: boolean;
  /** The absolute path of the directory that the user is in. */
  readonly cwd: string;
  /** The absolute path of a file as the user has typed it: a relative one starts from the user's own directory. */
  path(typed: string): string;
  /** The user's environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes bytes to stdout as they are; settles once they are taken, so that who reads slowly is not run over. */
  writeOut(bytes: Uint8Array): Promise<void>;
  /** Writes bytes to stderr as they are; settles as `writeOut` does. Both keep their order among each other. */
  writeErr(bytes: Uint8Array): Promise<void>;
  /** Tells the user something that is no result, on stderr. */
  notice(line: string): void;
  /** Shows how far a transfer has come, where a person watches. `total` where it is known. */
  progress(bytes: number, total?: number): void;
  /** Makes the program end with this code, once the command is done. */
  setExitCode(code: number): void;
  /** Hands over single key presses instead of lines until disposed of; nothing where no person types. */
  rawTerminal(): Disposable | undefined;
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
  /** How one value reads on a terminal; a string as it is and anything else as JSON by default. */
  text?(value: Json): string;
  /** The words after the first are the command's own, options and all. */
  readonly passThrough?: boolean;
}

/** How clients of one label are made, and what `j` offers for them. */
export interface ClientDefinition<Client extends DriverClient = DriverClient> {
  /** The label `jumpstarter.dev/client` that it serves. */
  readonly label: string;
  /** What such a driver is, in a few words, unless the exporter says otherwise. */
  readonly summary: string;
  /** The class that test code gets. */
  readonly client: new (link: DriverLink) => Client;
  /** What `j NAME` offers; a function where that is for the driver to say. */
  readonly commands: readonly Command<Client>[] | ((client: Client) => Promise<readonly Command<Client>[]>);
}

/** Defines a driver's client. It returns its argument, checked. */
export function defineClient<Client extends DriverClient>(definition: ClientDefinition<Client>): ClientDefinition {
  return Object.freeze(definition) as ClientDefinition;
}
