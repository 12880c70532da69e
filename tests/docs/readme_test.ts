/**
 * Holds what the documentation says against what it is about.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as variables from "../../src/env.ts";
import { runDeno } from "../examples/run_deno.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, root));

async function namesIn(path: string, ending: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(new URL(path, root)))).map(({ name }) => name);
  return names.filter((name) => name.endsWith(ending)).sort();
}

// A driver without a page is for the architecture test to find.
const driverPages: string[] = [];
for await (const { name } of Deno.readDir(new URL("drivers/", root))) {
  const page = `drivers/${name}/README.md`;
  if (await exists(new URL(page, root))) driverPages.push(page);
}
const pages = ["README.md", "SECURITY.md", ".github/ARCHITECTURE.md", ".github/CONTRIBUTING.md", ...driverPages];

Deno.test("the README's table of exit codes is the program's", async () => {
  const source = await read("src/exit_codes.ts");
  const table = /export const exitCodes = \{\n([^}]*)\n\}/.exec(source)?.[1] ?? "";
  const codes = [...table.matchAll(/\/\*\* (.*)\. \*\/\n {2}\w+: (\d+),/g)].map(([, meaning, code]) => [code, meaning]);
  assert.equal(codes.length, table.match(/: \d+,/g)?.length, "an exit code has no comment of one line");
  const section = sectionOf(await read("README.md"), "Exit codes");
  const rows = [...section.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)].map(([, code, meaning]) => [code, meaning]);
  assert.deepEqual(rows, codes);
});

Deno.test("the README names every variable that the program reads or sets", async () => {
  const section = sectionOf(await read("README.md"), "Environment variables");
  assert.deepEqual(Object.values(variables).filter((name) => !section.includes(`\`${name}\``)), []);
});

Deno.test("the README's config is the example", async () => {
  const [config] = blocksOf(sectionOf(await read("README.md"), "A config"), "yaml");
  assert.equal(config, await read("examples/example-direct.yaml"));
});

Deno.test("the page's lifecycle is that of the code", async () => {
  // The formatter of Markdown takes the space at the end of a code span away.
  const plain = (row: string) => row.replace(/ +/g, " ").replaceAll("] `", "]`");
  const rowsOf = (text: string) =>
    [...text.matchAll(/^(?: \* )?(\|.*`[A-Z_]+`.*\|)$/gm)].map(([, row = ""]) => plain(row));
  const rows = rowsOf(await read("src/exporter/lifecycle.ts"));
  assert.ok(rows.length >= 10, `${rows.length} rows`);
  assert.deepEqual(rowsOf(sectionOf(await read(".github/ARCHITECTURE.md"), "The lifecycle")), rows);
});

Deno.test("the README is short", async () => {
  assert.ok((await read("README.md")).split("\n").length <= 400);
});

Deno.test("every path and task that a page names is there", async () => {
  const { tasks } = JSON.parse(await read("deno.json"));
  const wrong: string[] = [];
  for (const page of pages) {
    const text = await read(page);
    for (const [, target = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
      const [path = "", heading] = target.split("#");
      if (/^https?:/.test(target)) continue;
      if (path !== "" && !await exists(new URL(path, new URL(page, root)))) wrong.push(`${page}: ${target}`);
      if (path === "" && !headingsOf(text).includes(heading ?? "")) wrong.push(`${page}: ${target}`);
    }
    for (const [path = ""] of text.matchAll(/(?<=`)(?:src|drivers|tests|examples|proto)\/[\w/.-]*\w(?=[`/])/g)) {
      if (!await exists(new URL(path, root))) wrong.push(`${page}: ${path}`);
    }
    for (const [, task = ""] of text.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)) {
      if (!Object.hasOwn(tasks, task)) wrong.push(`${page}: task ${task}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the YAML in a driver's page is quoted from the examples", async () => {
  const names = await namesIn("examples", ".yaml");
  const examples = await Promise.all(names.map(async (name) => dedent(await read(`examples/${name}`))));
  for (const page of driverPages) {
    for (const block of blocksOf(await read(page), "yaml")) {
      const quoted = block.trimEnd().split("\n");
      const isQuoted = examples.some((text) => contains(text.split("\n"), quoted));
      assert.ok(isQuoted, `${page} shows YAML that no example has:\n${block}`);
    }
  }
});

Deno.test("the TypeScript in the pages is right", async () => {
  const { code, stderr } = await runDeno(["check", "--doc-only", "README.md", ...driverPages]);
  assert.equal(code, 0, stderr);
});

/** The text under a heading of the second level. */
function sectionOf(page: string, heading: string): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section !== undefined, `there is no section "${heading}"`);
  return section;
}

function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, block]) => block ?? "");
}

/** The anchors of a page's headings. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-")
  );
}

function dedent(text: string): string {
  const indent = Math.min(...text.split("\n").filter((line) => line !== "").map((line) => line.search(/\S/)));
  return text.split("\n").map((line) => line.slice(indent)).join("\n");
}

/** Whether `lines` has `part` in one piece, at any depth of indentation. */
function contains(lines: readonly string[], part: readonly string[]): boolean {
  const wanted = dedent(part.join("\n"));
  return lines.some((_, start) => dedent(lines.slice(start, start + part.length).join("\n")) === wanted);
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch {
    return false;
  }
}
