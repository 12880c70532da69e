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

/** How much a config may be. */
export interface ConfigLimits {
  /** The largest text that is read, in bytes; 1 MiB by default. */
  readonly maxBytes?: number;
  /** How many values the aliases in it may stand for; 10,000 by default. */
  readonly maxAliasedValues?: number;
}

/** The largest config that is read unless it is said, in bytes. */
export const defaultMaxBytes = 1024 * 1024;
/** How many values aliases may stand for unless it is said: more than anyone writes, and next to nothing in memory. */
const defaultMaxAliasedValues = 10_000;

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
 * Reads as much of a configuration as there is, so that whoever knows more of it can add what else is wrong.
 *
 * @param source What the text is called in messages: its file name.
 * @throws {ConfigError} when it is nothing that could be looked at further.
 */
export function readConfig(text: string, source: string, limits: ConfigLimits = {}): ConfigReading {
  const { maxBytes = defaultMaxBytes, maxAliasedValues = defaultMaxAliasedValues } = limits;
  if (isLarger(text, maxBytes)) throw new ConfigError(source, [tooLarge(maxBytes)]);
  const yaml = readYaml(text, maxAliasedValues);
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

/** The problem of a text that is larger than a config may be. */
export function tooLarge(maxBytes: number): ConfigProblem {
  const [most, unit] = maxBytes < 1024 * 1024 ? [maxBytes / 1024, "KiB"] : [maxBytes / (1024 * 1024), "MiB"];
  return { message: `larger than ${Number(most.toFixed(1))} ${unit}, which no config is`, path: [] };
}

function isLarger(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes;
}

/** Checks the data of a file; its settings are undefined when `problems` says why. */
function checkData(file: Mapping, problems: SchemaProblem[]): { settings?: Settings; entries: Drafts } {
  const settings = withOneSpelling(file, problems);
  const result = settingsSchema.safeParse(settings);
  if (!result.success) problems.push(...schemaProblems(settingsSchema, result.error.issues, [], settings));
  problems.push(...scriptProblems(settings));
  return { settings: result.success ? result.data : undefined, entries: readTree(file.export, problems) };
}

/** What is wrong with the choice of a hook's script, beside whatever else is: each hook has one. */
function scriptProblems(settings: unknown): SchemaProblem[] {
  const hooks = isMapping(settings) && isMapping(settings.hooks) ? settings.hooks : {};
  return ["beforeLease", "afterLease"].flatMap((name): SchemaProblem[] => {
    const hook = hooks[name];
    if (!isMapping(hook)) return [];
    const problem = (key: string, message: string): SchemaProblem[] => [
      { path: ["hooks", name, key], message: `"${key}" ${message}`, at: "value" },
    ];
    const given = ["script", "scriptFile"].filter((key) => hook[key] !== undefined && hook[key] !== null);
    if (given.length === 0) return problem("script", 'must be given, unless "scriptFile" is');
    return given.length > 1 ? problem("scriptFile", 'must not stand beside "script"') : [];
  });
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
