/**
 * What each driver's folder must hold, and where else the driver must stand.
 *
 * @module
 */
import { DriverClient } from "../../src/driver/mod.ts";
import type { ClientDefinition, DriverDefinition, DriverPackage } from "../../src/driver/mod.ts";
import * as plan from "./plan.ts";
import { matches } from "./rules.ts";

/** One driver's folder, seen from outside. */
export interface DriverFolder {
  /** The folder's name. */
  readonly name: string;
  /** The paths of its files, from the folder. */
  readonly files: readonly string[];
  /** The `type`s that its door offers. */
  readonly types: readonly string[];
  /** The client classes that `client.ts` exports. */
  readonly clientClasses: readonly string[];
}

/** Where a driver must be named outside its folder. */
export interface Mentions {
  /** What `drivers/mod.ts` imports, as paths from the root. */
  readonly list: readonly string[];
  /** The `exports` of deno.json. */
  readonly exports: Readonly<Record<string, string>>;
  /** The texts of all files under `examples/`. */
  readonly examples: readonly string[];
}

/** What a driver's folder lacks, as sentences. */
export function lacksOf({ name, files, types, clientClasses }: DriverFolder, mentions: Mentions): string[] {
  const folder = `drivers/${name}`;
  const found = plan.DRIVER_FILES.filter((pattern) => !files.some((file) => matches(file, pattern)))
    .map((pattern) => `${folder} has no ${pattern}`);
  if (types.length === 0) found.push(`${folder}/mod.ts offers no driver type`);
  if (!mentions.list.includes(`${folder}/mod.ts`)) found.push(`${folder} does not stand in drivers/mod.ts`);
  if (!mentions.examples.some((text) => types.some((type) => text.includes(type)))) {
    found.push(`no file under examples/ names a type of ${folder}`);
  }
  const isExempt = Object.hasOwn(plan.WITHOUT_EXPORT, name);
  if (clientClasses.length > 0 && !isExempt && mentions.exports[`./${name}`] !== `./${folder}/client.ts`) {
    found.push(`deno.json does not export ${clientClasses.join(", ")} as "./${name}"`);
  }
  return found;
}

/** The client classes among a module's exports. */
export function clientClassesOf(module: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(module)
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof DriverClient)
    .map(([name]) => name);
}

/** The packages among a door's exports. */
export function packagesOf(module: Readonly<Record<string, unknown>>): DriverPackage[] {
  return Object.values(module).filter((value): value is DriverPackage =>
    typeof value === "object" && value !== null && "drivers" in value && "clients" in value
  );
}

/** Where a door says something else than what is behind it. */
export async function falseNames({ drivers, clients }: DriverPackage): Promise<string[]> {
  const found: string[] = [];
  for (const [type, load] of Object.entries(drivers)) {
    const definition: DriverDefinition = await load();
    const names = [definition.type, ...definition.aliases ?? []];
    if (!names.includes(type)) found.push(`"${type}" loads a driver that is called "${definition.type}"`);
    const unlisted = names.filter((name) => !Object.hasOwn(drivers, name));
    found.push(...unlisted.map((name) => `"${name}" is a name of a driver, and no config can use it`));
  }
  for (const [label, load] of Object.entries(clients)) {
    const definition: ClientDefinition = await load();
    if (definition.label !== label) found.push(`"${label}" loads the client of "${definition.label}"`);
  }
  return [...new Set(found)];
}
