/**
 * A schema and the issues of zod 3 in the shapes of zod 4, so that all that is said of either reads the same. It reads
 * what zod 3 describes itself with, without loading it.
 *
 * @module
 */
import type { SchemaIssue } from "./schema.ts";
import type { Definition, DetailedIssue } from "./zod4.ts";

/** What a schema of zod 3 says of itself; every field depends on its `typeName`. */
interface Zod3Definition {
  readonly typeName: string;
  readonly shape?: () => Readonly<Record<string, unknown>>;
  readonly schema?: unknown;
  readonly innerType?: unknown;
  readonly type?: unknown;
  readonly valueType?: unknown;
  readonly catchall?: unknown;
  readonly items?: readonly unknown[];
  readonly rest?: unknown;
  readonly options?: readonly unknown[] | ReadonlyMap<unknown, unknown>;
  readonly in?: unknown;
  readonly out?: unknown;
  readonly left?: unknown;
  readonly right?: unknown;
  readonly checks?: readonly { readonly kind: string }[];
  readonly getter?: () => unknown;
}

/** What zod 3 adds to an issue, by the issue's code. */
interface Zod3Issue extends SchemaIssue {
  readonly expected?: unknown;
  readonly received?: unknown;
  readonly options?: readonly unknown[];
  readonly unionErrors?: readonly { readonly issues: readonly Zod3Issue[] }[];
  /** Of what a limit is. */
  readonly type?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  readonly multipleOf?: number | bigint;
  /** The name of a format, or what a string must include. */
  readonly validation?: unknown;
}

/** What an issue says where its author wrote no text of its own. */
const defaultMessage =
  /^(?:Required$|Expected |Invalid|Unrecognized key|(?:String|Array|Set) must contain |(?:Number|BigInt|Date) must be )/;

/** The definition of a schema of zod 3; nothing for anything else. */
export function zod3Definition(schema: unknown): Definition | undefined {
  const definition = (schema as { _def?: Zod3Definition } | null | undefined)?._def;
  if (typeof definition?.typeName !== "string") return undefined;
  const { typeName, type, options, rest, catchall } = definition;
  const { valueType, items, left, right, in: input, out, getter } = definition;
  switch (typeName) {
    case "ZodObject":
      return { type: "object", shape: definition.shape?.(), catchall };
    case "ZodArray":
      return { type: "array", element: type };
    case "ZodTuple":
      return { type: "tuple", items, rest };
    case "ZodRecord":
    case "ZodMap":
      return { type: "record", valueType };
    case "ZodUnion":
    case "ZodDiscriminatedUnion":
      return { type: "union", options: [...options?.values() ?? []] };
    case "ZodIntersection":
      return { type: "intersection", left, right };
    case "ZodPipeline":
      return { type: "pipe", in: input, out };
    case "ZodLazy":
      return { type: "lazy", getter };
    case "ZodNumber":
      return { type: "number", format: definition.checks?.find(({ kind }) => kind === "int")?.kind };
    case "ZodBranded":
      return { innerType: type };
    default: // an effect has its schema, what else wraps one its inner type
      return { type: typeName, innerType: definition.schema ?? definition.innerType };
  }
}

/** The issues of a schema of zod 3 as zod 4 would have told them; those of any other schema as they are. */
export function asZod4Issues(schema: unknown, issues: readonly SchemaIssue[]): readonly DetailedIssue[] {
  return zod3Definition(schema) === undefined ? issues : issues.map((issue) => asZod4(issue));
}

/** @param depth How many steps of the path lead to the union that the issue is of. */
function asZod4(issue: Zod3Issue, depth = 0): DetailedIssue {
  const { code, options, type: origin, minimum, maximum, inclusive } = issue;
  const path = issue.path.slice(depth);
  const message = defaultMessage.test(issue.message) ? "Invalid input" : issue.message;
  switch (code) {
    case "invalid_type":
      return { path, ...wrongType(String(issue.expected), String(issue.received), message) };
    case "invalid_literal":
      return { code: "invalid_value", path, message, values: [issue.expected] };
    case "invalid_enum_value":
    case "invalid_union_discriminator":
      return { code: "invalid_value", path, message, values: options };
    case "invalid_union": {
      const branches = issue.unionErrors?.map(({ issues }) => issues);
      const errors = branches?.map((branch) => branch.map((inner) => asZod4(inner, issue.path.length)));
      return { code, path, message, errors };
    }
    case "too_small":
    case "too_big":
      return { code, path, message, origin, minimum, maximum, inclusive };
    case "not_multiple_of":
      return { code, path, message, divisor: Number(issue.multipleOf) };
    case "invalid_string": {
      const { validation: format } = issue;
      // The pattern of a regular expression is not told.
      const isNamed = typeof format === "string" && format !== "regex";
      return isNamed ? { code: "invalid_format", path, message, format } : { code: "custom", path, message };
    }
    default:
      return { code, path, message, keys: issue.keys };
  }
}

function wrongType(expected: string, received: string, text: string): Omit<DetailedIssue, "path"> {
  const message = text === "Invalid input" ? `${text}, received ${received}` : text;
  // A choice that gets no text at all is told as a type that is spelled 'one' | 'other'.
  return expected.startsWith("'")
    ? { code: "invalid_value", message, values: expected.slice(1, -1).split("' | '") }
    : { code: "invalid_type", message, expected: expected === "integer" ? "int" : expected };
}
