/**
 * What a schema found wrong, in the words of the person who wrote the value: which key is unknown and which was
 * probably meant, what a value must be and what it is instead.
 *
 * It reads zod's issues and the structure of zod's schemas without loading zod, and takes any other schema's
 * issues as they are.
 *
 * @module
 */
import { nearest } from "./nearest.ts";
import type { Schema, SchemaIssue } from "./schema.ts";
import { definitionsAt } from "./schema_structure.ts";
import { asZod4Issues } from "./zod3.ts";
import type { DetailedIssue } from "./zod4.ts";

/** One thing that is wrong with a value. */
export interface SchemaProblem {
  /** Where: the prefix, then the keys and indices in the value; a key that is unknown or missing is part of it. */
  readonly path: readonly (string | number)[];
  /** What is wrong, in one line. */
  readonly message: string;
  /** What to try, such as the nearest known key. */
  readonly hint?: string;
  /** Whether the key itself is at fault, or the value that stands there. */
  readonly at: "key" | "value";
}

type Path = readonly (string | number)[];

/** What an issue is judged against. */
interface Scene {
  readonly schema: unknown;
  readonly root: unknown;
  readonly prefix: Path;
}

interface Found extends SchemaProblem {
  /** The path that a mistyped key was meant to be. */
  readonly meant?: string;
  readonly isMissing?: boolean;
}

/**
 * Turns the issues of a failed parse into problems.
 *
 * @param schema What the value was parsed with; its keys are where hints come from.
 * @param issues What `safeParse` returned.
 * @param prefixPath Where the parsed value itself stands, such as `["export", "power", "config"]`.
 * @param value The parsed value: with it a message says what a value is instead of what it must be, and a missing
 * choice is told from a wrong one.
 */
export function schemaProblems<T>(
  schema: Schema<T>,
  issues: readonly SchemaIssue[],
  prefixPath: Path = [],
  value?: unknown,
): SchemaProblem[] {
  const scene: Scene = { schema, root: value, prefix: prefixPath };
  const told = withoutVainLimits(asZod4Issues(schema, issues));
  const problems = told.flatMap((issue) => toProblems(issue, stepsOf(issue), scene));
  const meant = new Set(problems.flatMap(({ meant }) => meant ?? []));
  return problems
    // A required key that is there, but mistyped, is one mistake and not two.
    .filter(({ path, isMissing }) => !isMissing || !meant.has(keyOf(path)))
    .map(({ path, message, hint, at }) => hint === undefined ? { path, message, at } : { path, message, hint, at });
}

/** Without the limits of what is no value of that kind at all: zod 4 also measures a list that should be a string. */
function withoutVainLimits(issues: readonly DetailedIssue[]): DetailedIssue[] {
  const mistyped = new Set(issues.filter(({ code }) => code === "invalid_type").map((issue) => keyOf(stepsOf(issue))));
  return issues.filter((issue) => !issue.code?.startsWith("too_") || !mistyped.has(keyOf(stepsOf(issue))));
}

function toProblems(issue: DetailedIssue, path: Path, scene: Scene): Found[] {
  if (issue.code === "unrecognized_keys") return (issue.keys ?? []).map((key) => unknownKey(key, path, scene));
  if (path.length > 0 && isAbsent(issue, path, scene)) {
    return [{ path: [...scene.prefix, ...path], message: `missing "${path.at(-1)}"`, at: "key", isMissing: true }];
  }
  const isOpen = issue.code === "invalid_union" && issue.message === "Invalid input";
  if (isOpen && (issue.errors ?? []).length > 0) return unionProblems(issue, path, scene);
  const full = [...scene.prefix, ...path];
  if (issue.code === "invalid_key") {
    const [inner] = issue.issues ?? [];
    const reason = inner === undefined ? "is not a valid key" : says(inner, undefined, scene, path);
    return [{ path: full, message: `${label(full)} ${reason}`, at: "key" }];
  }
  const found = valueAt(scene.root, path);
  const known = choices(issue).filter(isString);
  const near = typeof found === "string" && known.length > 1 ? didYouMean(found, known) : undefined;
  const hint = near ?? quotesHint(issue, found);
  return [{ path: full, message: `${label(full)} ${says(issue, found, scene, path)}`, hint, at: "value" }];
}

function unknownKey(key: string, path: Path, { schema, prefix }: Scene): Found {
  const known = definitionsAt(schema, path).flatMap(({ shape }) => Object.keys(shape ?? {}));
  const near = nearest(key, known);
  const full = [...prefix, ...path];
  const hint = didYouMean(key, known) ??
    (known.length > 0 && known.length <= 12 ? `known keys: ${known.join(", ")}` : undefined);
  const meant = near[0] === undefined ? undefined : keyOf([...full, near[0]]);
  return { path: [...full, key], message: `unknown key "${key}"`, hint, at: "key", meant };
}

/** The problems of the alternative that the value comes nearest to. */
function unionProblems(issue: DetailedIssue, path: Path, scene: Scene): Found[] {
  const branches = issue.errors ?? [];
  const isFlat = branches.every(([first]) =>
    first !== undefined && first.path.length === 0 && /^invalid_(?:type|value)$/.test(first.code ?? "")
  );
  if (isFlat) {
    const full = [...scene.prefix, ...path];
    const found = valueAt(scene.root, path);
    const wanted = [...new Set(branches.flatMap(([first]) => first === undefined ? [] : wantedBy(first, scene, path)))];
    return [{ path: full, message: `${label(full)} must be ${either(wanted)}${instead(found, issue)}`, at: "value" }];
  }
  const weigh = (branch: readonly DetailedIssue[]) => branch.reduce((sum, inner) => sum + weightOf(inner), 0);
  const [best = []] = [...branches].sort((a, b) => weigh(a) - weigh(b));
  return withoutVainLimits(best).flatMap((inner) => toProblems(inner, [...path, ...stepsOf(inner)], scene));
}

/** A literal that does not match makes a value another kind of thing altogether, so that it counts for more. */
function weightOf({ code, path }: DetailedIssue): number {
  return code === "invalid_value" || path.length === 0 && code === "invalid_type" ? 10 : 1;
}

/** What an issue says of the value, to follow its name. */
function says(issue: DetailedIssue, found: unknown, scene: Scene, path: Path): string {
  const isAuthors = !/^(?:Invalid|Too (?:small|big)|Unrecognized|No matching)/.test(issue.message);
  if (isAuthors) return issue.message.startsWith("must ") ? issue.message : `is wrong: ${issue.message}`;
  switch (issue.code) {
    case "invalid_type":
    case "invalid_value":
    case "invalid_union":
      return `must be ${either(wantedBy(issue, scene, path))}${instead(found, issue)}`;
    case "too_small":
    case "too_big":
      return `${limit(issue)}${typeof found === "number" ? `, not ${found}` : ""}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "invalid_format":
      return `must ${issue.format === "regex" ? `match ${issue.pattern}` : `be a valid ${issue.format}`}${
        instead(found, issue)
      }`;
    default:
      return issue.message === "Invalid input" ? "is not valid" : `is wrong: ${issue.message}`;
  }
}

/** The values or types that would do. */
function wantedBy(issue: DetailedIssue, { schema }: Scene, path: Path): string[] {
  const values = choices(issue);
  if (values.length > 0) return values.map((value) => JSON.stringify(value) ?? String(value));
  const isWhole = definitionsAt(schema, path).some(({ type, format, checks = [] }) =>
    type === "number" &&
    [format, ...checks.map((check) => check._zod?.def?.format)].some((name) => name?.includes("int"))
  );
  return [isWhole && issue.expected === "number" ? "a whole number" : typeInWords(issue.expected ?? "value")];
}

function choices({ values, options }: DetailedIssue): readonly unknown[] {
  return values ?? options ?? [];
}

/** What the value is, to follow what it must be; nothing where that is not known. */
function instead(found: unknown, issue: DetailedIssue): string {
  const isChoice = choices(issue).length > 0 || issue.code === "invalid_format";
  if (isString(found) && isChoice && found.length <= 60) return `, not ${JSON.stringify(found)}`;
  const isNumeric = issue.code === "invalid_union" || /^(?:int|number)$/.test(issue.expected ?? "");
  if (typeof found === "number" && (isChoice || isNumeric)) return `, not ${found}`;
  const type = found === undefined ? / received (\w+)$/.exec(issue.message)?.[1] : typeOf(found);
  return type === undefined ? "" : `, not ${typeInWords(type)}`;
}

function limit({ code, origin, minimum, maximum, inclusive }: DetailedIssue): string {
  const isLeast = code === "too_small";
  const bound = isLeast ? minimum : maximum;
  if (origin === "number" || origin === "int" || origin === "bigint") {
    return `must be ${isLeast ? inclusive ? "at least" : "more than" : inclusive ? "at most" : "less than"} ${bound}`;
  }
  if (isLeast && Number(bound) === 1) return "must not be empty";
  const unit = origin === "string" ? "character" : "item";
  return `must have at ${isLeast ? "least" : "most"} ${bound} ${unit}${Number(bound) === 1 ? "" : "s"}`;
}

/** Whether nothing at all stands at the path: zod reports that as a wrong type or a wrong choice. */
function isAbsent({ code, message }: DetailedIssue, path: Path, { root }: Scene): boolean {
  if (code !== "invalid_type" && code !== "invalid_value" && code !== "invalid_union") return false;
  return root === undefined ? message.endsWith("received undefined") : valueAt(root, path) === undefined;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string | number, unknown>)[step]
        : undefined,
    root,
  );
}

/** The name of a value in a message: its key, with the index where it is an item of a list. */
function label(path: Path): string {
  const at = path.findLastIndex(isString);
  if (at === -1) return path.length === 0 ? "the value" : `item ${path.join(".")}`;
  return `"${path[at]}${path.slice(at + 1).map((index) => `[${index}]`).join("")}"`;
}

function didYouMean(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, new Set(known));
  return near.length === 0 ? undefined : `did you mean ${either(near.map((text) => `"${text}"`))}?`;
}

/** How values that are no text are written. */
const bareForms: Readonly<Record<string, RegExp>> = {
  boolean: /^(?:true|false)$/,
  int: /^-?\d+$/,
  number: /^-?\d+(?:\.\d+)?$/,
};

/** What stands in quotes is text, whatever it looks like. */
function quotesHint({ code, expected = "" }: DetailedIssue, found: unknown): string | undefined {
  if (code !== "invalid_type") return undefined;
  if (expected === "string") return Object.hasOwn(bareForms, typeof found) ? "write it in quotes" : undefined;
  return isString(found) && bareForms[expected]?.test(found) ? "write it without quotes" : undefined;
}

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function typeInWords(type: string): string {
  switch (type) {
    case "int":
      return "a whole number";
    case "boolean":
      return "true or false";
    case "object":
    case "record":
    case "map":
      return "a mapping";
    case "array":
    case "tuple":
    case "set":
      return "a list";
    default:
      return /^(?:null|undefined|NaN|Infinity)$/.test(type) ? type : `a ${type}`;
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function stepsOf({ path }: SchemaIssue): Path {
  return path.map((step) => typeof step === "symbol" ? String(step) : step);
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
