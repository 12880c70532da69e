import { z } from "zod/v3";
import { nearest } from "../nearest.ts";
import type { Schema } from "../schema.ts";
import { type SchemaProblem, schemaProblems } from "../schema_problems.ts";
import type { ExportEntry } from "./exporter_config.ts";
import { isMapping, type Mapping, withCamelCase } from "./key_spelling.ts";
import { given } from "./settings_schema.ts";

/**
 * An entry that is still being put together: `target` is filled in when the whole tree is known. A broken one stands
 * for an entry with a fault, so that the rest of the tree can be checked around it.
 */
export type Draft =
  | (Exclude<ExportEntry, { kind: "ref" }> & { readonly children: Drafts; readonly isBroken?: boolean })
  | { readonly kind: "ref"; readonly ref: string; target: readonly string[] };

/** Entries that are still being put together. */
export type Drafts = Readonly<Record<string, Draft>>;

/** The type under which the Python implementation knows a reference. */
const PROXY_TYPE = "jumpstarter_driver_composite.driver.Proxy";

const children = z.record(z.string(), z.unknown()).nullish();
const description = z.string().nullish();
const digest = z.string().regex(/^sha256-[A-Za-z0-9+/]{43}=$/, 'not "sha256-" and a SHA-256 in base64');

const driverSchema = z.strictObject({
  type: z.string().min(1),
  config: z.record(z.string(), z.unknown()).nullish(),
  children,
  integrity: digest.nullish(),
  required: z.boolean().nullish(),
  description,
  methodsDescription: z.record(z.string(), z.string()).nullish(),
});

const compositeSchema = z.strictObject({ children, description });
const refSchema = z.strictObject({ ref: z.string().min(1) });

// What else the Python implementation writes for a proxy says nothing, since the target answers in its place.
const proxySchema = driverSchema.extend({ config: refSchema });

/** Reads the entries at `path`, such as `["export"]`; what is wrong with them goes to `problems`. */
export function readEntries(entries: Mapping, path: readonly string[], problems: SchemaProblem[]): Drafts {
  const drafts = Object.entries(entries).map(([name, value]): [string, Draft] => {
    const entryPath = [...path, name];
    if (name === "") problems.push({ path: entryPath, message: "a device needs a name", at: "key" });
    if (name.includes(".")) {
      const hint = "dots join the names on a path to a device";
      problems.push({ path: entryPath, message: `the name "${name}" has a dot in it`, hint, at: "key" });
    }
    return [name, readEntry(value, entryPath, problems)];
  });
  return Object.fromEntries(drafts);
}

function readEntry(value: unknown, path: readonly string[], problems: SchemaProblem[]): Draft {
  if (!isMapping(value)) {
    const message = `"${path.at(-1)}" must be a mapping with "type", "children" or "ref"`;
    problems.push({ path, message, at: "value" });
    return { kind: "composite", children: {}, isBroken: true };
  }
  const entry = withCamelCase(value, ["methodsDescription"], path, problems);
  switch (kindOf(value)) {
    case "empty":
      problems.push({ path, message: `"${path.at(-1)}" needs a "type", "children" or a "ref"`, at: "key" });
      return broken(value, {});
    case "ref": {
      const checked = check(refSchema, entry, path, problems);
      return checked === undefined ? broken(value, {}) : { kind: "ref", ref: checked.ref, target: [] };
    }
    case "proxy": {
      const checked = check(proxySchema, entry, path, problems);
      return checked === undefined ? broken({}, {}) : { kind: "ref", ref: checked.config.ref, target: [] };
    }
    case "composite": {
      const checked = check(compositeSchema, entry, path, problems);
      const inner = readChildren(value, path, problems);
      if (checked === undefined) return broken(value, inner);
      return given({ kind: "composite" as const, children: inner, description: checked.description ?? undefined });
    }
    case "driver": {
      const checked = check(driverSchema, entry, path, problems);
      const inner = readChildren(value, path, problems);
      return checked === undefined ? broken(value, inner) : toDriver(checked, inner);
    }
  }
}

/** What can be told of an entry with a fault: the driver that it names can be looked up all the same. */
function broken({ type, config }: Mapping, children: Drafts): Draft {
  if (typeof type !== "string") return { kind: "composite", children, isBroken: true };
  return {
    kind: "driver",
    type,
    config: isMapping(config) ? config : {},
    children,
    isRequired: false,
    methodDescriptions: {},
    isBroken: true,
  };
}

/**
 * What an entry is meant to be. A mistyped key counts for the key that it was meant to be, so that `typ` makes a
 * driver with an unknown key and never an empty group.
 */
function kindOf(entry: Mapping): "empty" | "ref" | "proxy" | "composite" | "driver" {
  const keys = Object.keys(entry).filter((key) => key !== "description");
  if (keys.length === 0) return "empty";
  if (entry.type === PROXY_TYPE) return "proxy";
  const has = (name: string) => keys.some((key) => nearest(key, [name]).length > 0);
  if (has("type")) return "driver";
  if (has("ref")) return "ref";
  return has("children") && !has("config") ? "composite" : "driver";
}

function readChildren(entry: Mapping, path: readonly string[], problems: SchemaProblem[]): Drafts {
  return isMapping(entry.children) ? readEntries(entry.children, [...path, "children"], problems) : {};
}

function toDriver(file: z.output<typeof driverSchema>, children: Drafts): Draft {
  return given({
    kind: "driver",
    type: file.type,
    integrity: file.integrity ?? undefined,
    config: file.config ?? {},
    children,
    isRequired: file.required ?? false,
    description: file.description ?? undefined,
    methodDescriptions: file.methodsDescription ?? {},
  });
}

function check<T>(
  schema: Schema<T>,
  value: unknown,
  path: readonly string[],
  problems: SchemaProblem[],
): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  problems.push(...schemaProblems(schema, result.error.issues, path, value));
  return undefined;
}
