import { ConfigError, type ConfigProblem } from "../errors.ts";
import { type SchemaProblem, schemaProblems } from "../schema_problems.ts";
import { type Drafts, readEntries } from "./export_entries.ts";
import type { ExportEntries, ExporterConfig } from "./exporter_config.ts";
import { isMapping, type Mapping, snakeCase, withCamelCase } from "./key_spelling.ts";
import type { Position } from "./position.ts";
import { resolveRefs } from "./resolve_refs.ts";
import { type Settings, settingsSchema, toExporterConfig } from "./settings_schema.ts";
import type { Place } from "./yaml_reader.ts";
import { readYaml, type YamlText } from "./yaml_text.ts";

/** The largest config that is read, in bytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** A problem whose place in the file is not looked up yet. */
export interface UnplacedProblem {
  /** The path of the value in the configuration, such as `["export", "power", "type"]`. */
  readonly path: readonly (string | number)[];
  /** What is wrong, in one line. */
  readonly message: string;
  /** What to try. */
  readonly hint?: string;
  /** Whether to point at the key or, which is the rule, at the value. */
  readonly at?: "key" | "value";
}

/** What a text says, right or wrong, and where everything in it stands. */
export interface ConfigReading {
  /** The configuration; nothing where there are problems. */
  readonly config?: ExporterConfig;
  /** What could be read of the device tree. */
  readonly entries: ExportEntries;
  /** What is wrong, in the order of the text. */
  readonly problems: readonly ConfigProblem[];
  /** The name of its text, for messages. */
  readonly source: string;
  /** Where the text has the value at `path`, or its key; nothing where it does not have it. */
  locate(path: readonly (string | number)[], at?: "key" | "value"): Position | undefined;
  /**
   * Adds line and column to problems found later, such as in a driver's own section, and sorts them by these. What
   * is not in the text is placed at the nearest thing around it that is.
   */
  problemsAt(problems: readonly UnplacedProblem[]): ConfigProblem[];
}

/** A configuration without a fault, and where everything in it stands in its text. */
export interface ParsedConfig extends ConfigReading {
  /** The configuration. */
  readonly config: ExporterConfig;
}

/**
 * Reads an exporter's configuration from YAML.
 *
 * @param source What the text is called in messages: its file name.
 * @throws {ConfigError} with everything that is wrong, in the order of the text.
 */
export function parseConfig(text: string, source: string): ParsedConfig {
  return wholeConfig(readConfig(text, source));
}

/**
 * Reads as much of a configuration as there is, so that whoever knows more of it can add what else is wrong.
 *
 * @throws {ConfigError} when it is nothing that could be looked at further.
 */
export function readConfig(text: string, source: string): ConfigReading {
  if (isTooLarge(text)) throw new ConfigError(source, [tooLarge()]);
  const yaml = readYaml(text);
  const problems: ConfigProblem[] = yaml.faults.map(({ message, offset, hint }) =>
    toProblem({ message, path: [], hint }, yaml.positionOf(offset))
  );
  const { value, root } = yaml;
  if (root !== undefined && !isMapping(value)) {
    const message = `a config must be a mapping, not ${Array.isArray(value) ? "a list" : "a single value"}`;
    problems.push(toProblem({ message, path: [] }, yaml.positionOf(root.value)));
  }
  if (root === undefined || !isMapping(value)) throw new ConfigError(source, inFileOrder(problems));
  const index = new PlaceIndex(yaml, root);
  const found: SchemaProblem[] = [];
  const { settings, entries } = checkData(value, found);
  problems.push(...found.map((problem) => index.place(problem)));
  const isWhole = settings !== undefined && problems.length === 0;
  return {
    config: isWhole ? deepFreeze(toExporterConfig(settings, entries)) : undefined,
    entries: deepFreeze(entries),
    problems: inFileOrder(problems),
    source,
    locate: (path, at = "value") => index.locate(path, at),
    problemsAt: (later) => inFileOrder(later.map((problem) => index.place(problem))),
  };
}

/**
 * A reading as the configuration that it is.
 *
 * @throws {ConfigError} with everything that is wrong with it.
 */
export function wholeConfig<Reading extends ConfigReading>(
  reading: Reading,
): Reading & { readonly config: ExporterConfig } {
  const { config, source, problems } = reading;
  if (config === undefined) throw new ConfigError(source, problems);
  return { ...reading, config };
}

/** Puts problems in the order of the file. */
export function inFileOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** The problem of a text that is larger than any config. */
export function tooLarge(): ConfigProblem {
  return { message: "larger than 1 MiB, which no config is", path: [] };
}

function isTooLarge(text: string): boolean {
  return text.length > MAX_CONFIG_BYTES || new TextEncoder().encode(text).length > MAX_CONFIG_BYTES;
}

/** Checks the data of a file; its settings are undefined when `problems` says why. */
function checkData(file: Mapping, problems: SchemaProblem[]): { settings?: Settings; entries: Drafts } {
  const settings = withOneSpelling(file, problems);
  const result = settingsSchema.safeParse(settings);
  if (!result.success) problems.push(...schemaProblems(settingsSchema, result.error.issues, [], settings));
  return { settings: result.success ? result.data : undefined, entries: readTree(file.export, problems) };
}

/** Reads the device tree as far as it can be. */
function readTree(section: unknown, problems: SchemaProblem[]): Drafts {
  if (!isMapping(section)) return {};
  const entries = readEntries(section, ["export"], problems);
  resolveRefs(entries, problems);
  return entries;
}

/** Gives every setting that may also be spelled with underscores its camelCase name. */
function withOneSpelling(file: Mapping, problems: SchemaProblem[]): unknown {
  const names = ["failureDetection", "exitOnLeaseEnd", "grpcOptions"];
  const settings = withCamelCase(file, names, [], problems) as Record<string, unknown>;
  const rename = (value: unknown, path: string[], names: string[]) => withCamelCase(value, names, path, problems);
  if ("failureDetection" in settings) {
    const names = ["maxRapidFailures", "rapidFailureWindow"];
    settings.failureDetection = rename(settings.failureDetection, ["failureDetection"], names);
  }
  const hooks = rename(settings.hooks, ["hooks"], ["beforeLease", "afterLease"]);
  if (!isMapping(hooks)) return settings;
  const renamed = Object.entries(hooks).map((
    [name, hook],
  ) => [name, rename(hook, ["hooks", name], ["onFailure", "scriptFile"])]);
  return { ...settings, hooks: Object.fromEntries(renamed) };
}

/** Finds where the text has what a path names. */
class PlaceIndex {
  readonly #yaml: YamlText;
  readonly #root: Place;

  constructor(yaml: YamlText, root: Place) {
    this.#yaml = yaml;
    this.#root = root;
  }

  locate(path: readonly (string | number)[], at: "key" | "value"): Position | undefined {
    const { place, isWhole } = this.#nearestPlace(path);
    return isWhole ? this.#position(place, at) : undefined;
  }

  place({ path, message, hint, at = "value" }: UnplacedProblem): ConfigProblem {
    const { place, isWhole } = this.#nearestPlace(path);
    return toProblem({ path, message, hint }, this.#position(place, isWhole ? at : "key"));
  }

  #position(place: Place, at: "key" | "value"): Position {
    return this.#yaml.positionOf(at === "key" ? place.key ?? place.value : place.value);
  }

  /** Follows the path as far as the text goes, in either spelling of a key. */
  #nearestPlace(path: readonly (string | number)[]): { place: Place; isWhole: boolean } {
    let place = this.#root;
    for (const step of path) {
      const { children } = place;
      const next = children.get(step) ?? (typeof step === "string" ? children.get(snakeCase(step)) : undefined);
      if (next === undefined) return { place, isWhole: false };
      place = next;
    }
    return { place, isWhole: true };
  }
}

function toProblem({ path, message, hint }: UnplacedProblem, { line, column }: Position): ConfigProblem {
  return { message, path, line, column, ...hint === undefined ? {} : { hint } };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
