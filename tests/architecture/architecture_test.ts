/**
 * Holds the source against the plan of the house: `plan.ts` is the plan, `rules.ts` reads it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { clientClassesOf, type DriverFolder, falseNames, lacksOf, type Mentions, packagesOf } from "./drivers.ts";
import * as rules from "./rules.ts";
import { listFiles, parseSource, readText, type Sources } from "./source.ts";

/** Fails with all the faults, one a line. */
function assertNone(faults: readonly string[]): void {
  assert.ok(faults.length === 0, `\n  ${faults.join("\n  ")}\n`);
}

const isSource = (path: string) => path.endsWith(".ts") && !path.endsWith("_test.ts");

/** What is shipped. Tests may import what they like. */
async function readSources(): Promise<Sources> {
  const paths = (await listFiles("src", "drivers", "proto", "cli.ts", "commands.ts", "mod.ts")).filter(isSource);
  const files = paths.map(async (path) => [path, parseSource(path, await readText(path))] as const);
  return new Map(await Promise.all(files));
}

/** The `exports` of deno.json. */
async function readExports(): Promise<Record<string, string>> {
  return JSON.parse(await readText("deno.json")).exports;
}

Deno.test("the source keeps the plan of the house", async (t) => {
  const sources = await readSources();
  assert.ok(sources.size > 20, "the source was not found");
  const entryPoints = Object.values(await readExports()).map((path) => path.replace("./", ""));

  await t.step("every file stands in a room of the plan", () => assertNone(rules.strayFiles(sources)));
  await t.step("imports go down only, never sideways", () => assertNone(rules.importsNotDown(sources)));
  await t.step("drivers, their list and the program keep apart", () => assertNone(rules.importsTooWide(sources)));
  await t.step("rooms are entered by their doors", () => assertNone(rules.importsPastDoors(sources, entryPoints)));
  await t.step("no import cycle", () => assertNone(rules.cycles(sources)));
  await t.step("packages stay in their places", () => assertNone(rules.packagesOutOfPlace(sources)));
  await t.step("globals stay in their places", () => assertNone(rules.globalsOutOfPlace(sources)));
  await t.step("one place imports what a config names", () => assertNone(rules.computedImports(sources)));
  await t.step("j loads nothing heavy", () => assertNone(rules.heavyEntries(sources)));
});

Deno.test("no file is too long, and none has an empty name", async () => {
  const paths = await listFiles("src", "drivers", "tests", "examples", "cli.ts", "commands.ts", "mod.ts");
  assert.ok(paths.length > 20, "the source was not found");
  assertNone(rules.emptyNames(paths));
  const shipped = paths.filter((path) => /^(src|drivers)\/.*\.ts$/.test(path));
  const files = shipped.map(async (path) => ({ path, lines: (await readText(path)).trimEnd().split("\n").length }));
  assertNone(rules.longFiles(await Promise.all(files)));
});

Deno.test("every driver has all that a driver needs", async (t) => {
  const paths = await listFiles("drivers");
  const names = [...new Set(paths.map((path) => path.split("/")).filter((parts) => parts.length > 2).map((p) => p[1]))];
  assert.ok(names.length >= 2, "the drivers were not found");
  const mentions: Mentions = {
    list: parseSource("drivers/mod.ts", await readText("drivers/mod.ts")).imports.map(({ target }) => target),
    exports: await readExports(),
    examples: await Promise.all((await listFiles("examples")).map(readText)),
  };
  for (const name of names.filter((one) => one !== undefined)) {
    await t.step(name, async () => assertNone(await faultsOfDriver(name, paths, mentions)));
  }
});

async function faultsOfDriver(name: string, paths: readonly string[], mentions: Mentions): Promise<string[]> {
  const files = paths.filter((path) => path.startsWith(`drivers/${name}/`)).map((path) =>
    path.split("/").slice(2).join("/")
  );
  const load = async (file: string): Promise<Record<string, unknown>> =>
    files.includes(file) ? await import(`../../drivers/${name}/${file}`) : {};
  const packages = packagesOf(await load("mod.ts"));
  const folder: DriverFolder = {
    name,
    files,
    types: packages.flatMap(({ drivers }) => Object.keys(drivers)),
    clientClasses: clientClassesOf(await load("client.ts")),
  };
  return [...lacksOf(folder, mentions), ...(await Promise.all(packages.map(falseNames))).flat()];
}
