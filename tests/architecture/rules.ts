/**
 * The rules of the house. Each takes the sources and answers with the faults it finds, as sentences; none means
 * that the rule is kept. `rules_test.ts` shows that each can fail.
 *
 * @module
 */
import * as plan from "./plan.ts";
import type { SourceFile, Sources } from "./source.ts";

/** Whether a path is one that a pattern means: `*` is one name or a part of it, `**` is anything. */
export function matches(path: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, (stars) => stars.length > 1 ? ".*" : "[^/]*");
  return new RegExp(`^${source}$`).test(path);
}

const matchesAny = (path: string, patterns: readonly string[]) => patterns.some((one) => matches(path, one));

/** A path inside the repository, not a package. */
const isLocal = (target: string) => roomOf(target) !== undefined || /\.(ts|json)$/.test(target);

/** The room that a file is in. */
export function roomOf(path: string): string | undefined {
  const loose = Object.hasOwn(plan.LOOSE_FILES, path) ? plan.LOOSE_FILES[path] : undefined;
  if (loose !== undefined) return loose;
  if (matches(path, "src/*.ts")) return "ground";
  if (path.startsWith("proto/")) return "proto";
  return /^((src|drivers)\/[^/]+)\/./.exec(path)?.[1];
}

/** The floor of a room, counted from the ground. */
function floorOf(room: string): number {
  return plan.FLOORS.findIndex((rooms) => matchesAny(room, rooms));
}

/** Every file stands in a room of the plan. */
export function strayFiles(sources: Sources): string[] {
  return [...sources.keys()].filter((path) => floorOf(roomOf(path) ?? "") < 0)
    .map((path) => `${path} is in no room of the plan`);
}

/** Imports go down, never up and never sideways. */
export function importsNotDown(sources: Sources): string[] {
  return localImports(sources).flatMap(({ path, target, room, targetRoom }) => {
    if (room === targetRoom || floorOf(targetRoom) < floorOf(room)) return [];
    const direction = floorOf(targetRoom) > floorOf(room) ? "up" : "sideways";
    return [`${path} imports ${target}, which goes ${direction} from ${room} to ${targetRoom}`];
  });
}

/** Some importers may use less than their floor allows. */
export function importsTooWide(sources: Sources): string[] {
  return localImports(sources).flatMap(({ path, target }) =>
    plan.NARROWER
      .filter(({ importer, mayImport }) => matches(path, importer) && !matchesAny(target, mayImport))
      .map(({ because }) => `${path} imports ${target}, but ${because}`)
  );
}

/** Another room is entered by its door or by an entry point of the package; one's own room, never by its door. */
export function importsPastDoors(sources: Sources, entryPoints: readonly string[]): string[] {
  return localImports(sources).flatMap(({ path, target, room, targetRoom }) => {
    if (plan.OPEN_ROOMS.includes(targetRoom)) return [];
    const door = `${targetRoom}/mod.ts`;
    if (room === targetRoom) return target === door ? [`${path} imports its own door, ${target}`] : [];
    if (target === door || entryPoints.includes(target)) return [];
    return [`${path} imports ${target} past the door ${door}`];
  });
}

/** No file imports itself, by whatever way; type-only and dynamic imports count. */
export function cycles(sources: Sources): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push(`a cycle: ${[...trail.slice(start), path].join(" → ")}`);
    if (start >= 0 || done.has(path)) return;
    for (const { target } of sources.get(path)?.imports ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return found;
}

/** Packages are imported where the plan has them, and no other package is. */
export function packagesOutOfPlace(sources: Sources): string[] {
  return allImports(sources)
    .filter(({ target }) => !isLocal(target) && !target.startsWith("node:"))
    .flatMap(({ path, target }) => {
      const places = Object.hasOwn(plan.PACKAGES, target) ? plan.PACKAGES[target] : undefined;
      if (places === undefined) return [`${path} imports ${target}, which has no place in the plan`];
      return matchesAny(path, places) ? [] : [`${path} imports ${target}, which is for ${places.join(", ")}`];
    });
}

/** Globals are touched where the plan has them. A member that is computed might be any, so it is a fault too. */
export function globalsOutOfPlace(sources: Sources): string[] {
  return [...sources.values()].flatMap(({ path, globals }) =>
    globals.flatMap((name) => {
      if (name.endsWith(".*")) return [`${path} computes which part of ${name.slice(0, -2)} it touches`];
      const places = Object.hasOwn(plan.GLOBALS, name) ? plan.GLOBALS[name] : undefined;
      if (places === undefined || matchesAny(path, places)) return [];
      return [`${path} touches ${name}, which is for ${places.join(", ") || "nobody"}`];
    })
  );
}

/** One place alone imports what only the running program knows. */
export function computedImports(sources: Sources): string[] {
  return [...sources.values()]
    .filter(({ path, hasComputedImport }) => hasComputedImport && !plan.COMPUTED_IMPORTS.includes(path))
    .map(({ path }) => `${path} has a computed import(), which is for ${plan.COMPUTED_IMPORTS.join(", ")}`);
}

/** What must start fast loads nothing heavy. An entry that does not exist is a fault, or the rule would be idle. */
export function heavyEntries(sources: Sources): string[] {
  return plan.LEAN.flatMap((lean) =>
    lean.entries.flatMap((pattern) => {
      const entries = [...sources.keys()].filter((path) => matches(path, pattern));
      if (entries.length === 0) return [`${pattern} does not exist, so nothing shows that it is lean`];
      return entries.flatMap((entry) => heavyTrails(sources, entry, lean));
    })
  );
}

/** The ways by which an entry loads something heavy, each as far as its first heavy thing. */
function heavyTrails(sources: Sources, entry: string, { without, countsLateImports }: plan.Lean): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const here = [...trail, path];
    const isHeavy = matchesAny(path, without) || (without.includes("packages") && !isLocal(path));
    if (isHeavy) return void found.push(`${entry} loads ${path}: ${here.join(" → ")}`);
    for (const { target, kind } of sources.get(path)?.imports ?? []) {
      if (kind === "code" || (kind === "dynamic" && countsLateImports)) visit(target, here);
    }
  };
  visit(entry, []);
  return found;
}

/** No file is too long. */
export function longFiles(files: Iterable<Pick<SourceFile, "path" | "lines">>): string[] {
  return [...files].filter(({ lines }) => lines > plan.MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${plan.MAX_LINES}`);
}

/** No name is empty of meaning. */
export function emptyNames(paths: Iterable<string>): string[] {
  return [...paths].flatMap((path) => {
    const words = path.split("/").map((part) => part.replace(/(_test)?\.[^.]*$/, "").split(/[-_.]/).at(-1) ?? "");
    const empty = words.filter((word) => plan.EMPTY_NAMES.includes(word));
    return empty.map((word) => `${path} is called "${word}", which says nothing`);
  });
}

function allImports(sources: Sources): { path: string; target: string }[] {
  return [...sources.values()].flatMap(({ path, imports }) =>
    [...new Set(imports.map(({ target }) => target))].map((target) => ({ path, target }))
  );
}

/** The imports from room to room, also to the same one. An import that leaves the plan counts as going to the roof. */
function localImports(sources: Sources): { path: string; target: string; room: string; targetRoom: string }[] {
  return allImports(sources).filter(({ target }) => isLocal(target)).map(({ path, target }) => ({
    path,
    target,
    room: roomOf(path) ?? "ground",
    targetRoom: roomOf(target) ?? "roof",
  }));
}
