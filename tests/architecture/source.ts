/**
 * Reads source files for what the rules are about: what they import, and which globals they touch. The parser is
 * the linter's own, so comments and strings cannot mislead it. It works inside `deno test` only.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** One import of a file, or a re-export. */
export interface Import {
  /** A path from the root of the repository, or a package's name, or another specifier as it is written. */
  readonly target: string;
  /** Loaded with the file, or by the type checker alone, or when the program comes to it. */
  readonly kind: "code" | "type" | "dynamic";
}

/** What a rule may know of a file. */
export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string;
  /** How many lines it has. */
  readonly lines: number;
  /** What it imports, in any way. */
  readonly imports: readonly Import[];
  /** The globals it touches, as `Deno.exit` or `console`. */
  readonly globals: readonly string[];
  /** Whether it imports something that only the running program knows. */
  readonly hasComputedImport: boolean;
}

/** Every source file by its path. */
export type Sources = ReadonlyMap<string, SourceFile>;

/** Globals of which a member matters; of the others, the whole. */
const BY_MEMBER = ["Deno", "process"];
const WHOLE = ["console"];

/** Reads one file's text. */
export function parseSource(path: string, text: string): SourceFile {
  const imports: Import[] = [];
  const globals = new Set<string>();
  let hasComputedImport = false;
  const add = (specifier: string, kind: Import["kind"]) => imports.push({ target: resolve(path, specifier), kind });

  const visitor: Deno.lint.LintVisitor = {
    ImportDeclaration({ source, importKind, specifiers }) {
      const kinds = specifiers.map((one) => one.type === "ImportSpecifier" ? one.importKind : "value");
      add(source.value, kindOf(importKind, kinds));
    },
    ExportAllDeclaration: ({ source, exportKind }) => void add(source.value, kindOf(exportKind, [])),
    ExportNamedDeclaration({ source, exportKind, specifiers }) {
      if (source !== null) add(source.value, kindOf(exportKind, specifiers.map((one) => one.exportKind)));
    },
    TSImportType({ argument }) {
      if (argument.type === "TSLiteralType") add(String(Reflect.get(argument.literal, "value")), "type");
    },
    ImportExpression({ source }) {
      if (source.type === "Literal" && typeof source.value === "string") add(source.value, "dynamic");
      else hasComputedImport = true;
    },
    MemberExpression(node) {
      const [object, member] = [globalName(node.object), memberName(node)];
      if (object !== undefined) globals.add(BY_MEMBER.includes(object) ? `${object}.${member}` : object);
    },
    VariableDeclarator({ id, init }) {
      const object = init ? globalName(init) : undefined;
      if (object === undefined || id.type !== "ObjectPattern") return;
      for (const one of id.properties) {
        const member = one.type === "Property" && one.key.type === "Identifier" ? one.key.name : "*";
        globals.add(BY_MEMBER.includes(object) ? `${object}.${member}` : object);
      }
    },
  };
  parse(path, text, visitor);
  return { path, lines: text.trimEnd().split("\n").length, imports, globals: [...globals].sort(), hasComputedImport };
}

/** Lets a visitor see the syntax tree of a text. */
function parse(path: string, text: string, visitor: Deno.lint.LintVisitor): void {
  Deno.lint.runPlugin({ name: "architecture", rules: { read: { create: () => visitor } } }, path, text);
}

/** Whether an import or export reaches code: not when it is of types, nor when each of its names is. */
function kindOf(whole: "type" | "value", names: readonly ("type" | "value")[]): "code" | "type" {
  const typesOnly = whole === "type" || (names.length > 0 && names.every((name) => name === "type"));
  return typesOnly ? "type" : "code";
}

/** The name of a watched global that an expression is, also as `globalThis.Deno`. */
function globalName(node: Deno.lint.Expression | Deno.lint.Super): string | undefined {
  const name = node.type === "Identifier"
    ? node.name
    : node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "globalThis"
    ? memberName(node)
    : "";
  return [...BY_MEMBER, ...WHOLE].includes(name) ? name : undefined;
}

/** The name after the dot or in the brackets; `*` when it is computed. */
function memberName({ computed, property }: Deno.lint.MemberExpression): string {
  if (property.type === "Identifier" && !computed) return property.name;
  return property.type === "Literal" ? String(property.value) : "*";
}

/** What a specifier stands for, seen from a file. */
function resolve(from: string, specifier: string): string {
  if (/^\.{1,2}\//.test(specifier)) return new URL(specifier, `file:///${from}`).pathname.slice(1);
  if (/^(node|https?|data|file):/.test(specifier)) return specifier;
  // `npm:zod@4/mini`, `zod/mini` and `zod` are one package.
  const bare = specifier.replace(/^(npm|jsr):\/?/, "");
  return /^(@[^/]+\/)?[^/@]+/.exec(bare)?.[0] ?? specifier;
}

/** The root of the repository. */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The paths of all files below some folders and of some files, from the root. What is missing is left out. */
export async function listFiles(...starts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const start of starts) {
    const info = await Deno.stat(join(ROOT, start)).catch(() => undefined);
    if (info?.isFile) found.push(start);
    if (!info?.isDirectory) continue;
    for await (const entry of Deno.readDir(join(ROOT, start))) found.push(...await listFiles(`${start}/${entry.name}`));
  }
  return found.sort();
}

/** Reads a file of the repository. */
export function readText(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}
