import type { SchemaProblem } from "../schema_problems.ts";

/** Data as a file has it: a mapping whose values are not checked yet. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether the value is a mapping. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The spelling with underscores: `before_lease` for `beforeLease`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Gives the keys that a file may also spell with underscores their camelCase name, as the Python implementation
 * takes either.
 *
 * @param names The camelCase names to look for.
 * @param problems Takes a problem for each setting that is given in both spellings.
 */
export function withCamelCase(
  value: unknown,
  names: readonly string[],
  path: readonly string[],
  problems: SchemaProblem[],
): unknown {
  if (!isMapping(value)) return value;
  const renamed = new Map(names.map((name) => [snakeCase(name), name]));
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const name = renamed.get(key) ?? key;
    if (name === key || !Object.hasOwn(value, name)) return [[name, item]];
    const message = `"${key}" and "${name}" are the same setting`;
    problems.push({ path: [...path, key], message, hint: "keep one of them", at: "key" });
    return [];
  });
  return Object.fromEntries(entries);
}
