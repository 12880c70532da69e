/**
 * What a zod schema is made of, read from its own description without loading zod.
 *
 * @module
 */
import { zod3Definition } from "./zod3.ts";
import type { Definition } from "./zod4.ts";

/** The definitions that apply at a path, with what only wraps them taken off. */
export function definitionsAt(schema: unknown, path: readonly (string | number)[]): Definition[] {
  return path.reduce<Definition[]>(
    (definitions, step) => definitions.flatMap((definition) => unwrap(child(definition, step))),
    unwrap(schema),
  );
}

function child({ shape, items, rest, element, valueType, catchall }: Definition, step: string | number): unknown {
  if (shape !== undefined) return Object.hasOwn(shape, step) ? shape[step] : catchall;
  if (items !== undefined) return items[Number(step)] ?? rest;
  return element ?? valueType;
}

/** Takes off optional, default and the like, and opens unions; `depth` ends a schema that wraps itself. */
function unwrap(schema: unknown, depth = 0): Definition[] {
  const definition = (schema as { _zod?: { def?: Definition } } | null | undefined)?._zod?.def ??
    zod3Definition(schema);
  if (definition === undefined || depth > 16) return [];
  const open = (inner: unknown) => unwrap(inner, depth + 1);
  if (definition.innerType !== undefined) return open(definition.innerType);
  switch (definition.type) {
    case "pipe": {
      const input = open(definition.in);
      return input.some(({ type }) => type === "transform") ? open(definition.out) : input;
    }
    case "lazy":
      return open(definition.getter?.());
    case "union":
      return (definition.options ?? []).flatMap(open);
    case "intersection":
      return [...open(definition.left), ...open(definition.right)];
    default:
      return [definition];
  }
}
