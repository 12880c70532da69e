import process from "node:process";
import { type Document, LineCounter, parseDocument } from "yaml";
import type { Position } from "./position.ts";
import { type Fault, type Place, YamlReader } from "./yaml_reader.ts";

/** What a YAML file holds, and where everything stands in it. */
export interface YamlText {
  /** The file as plain data; undefined when its syntax is broken or it holds nothing. */
  readonly value: unknown;
  /** Where the values stand; undefined with `value`. */
  readonly root: Place | undefined;
  /** What is wrong with the file as YAML, in the order of the file. */
  readonly faults: readonly Fault[];
  /** Line and column of an offset, counted from 1. */
  positionOf(offset: number): Position;
}

/** One syntax error leads to others further down; past this many they help nobody. */
const MAX_SYNTAX_FAULTS = 20;

/** Reads one YAML document as PyYAML reads it, without throwing. */
export function readYaml(text: string): YamlText {
  const source = text.replace(/^\ufeff/, "");
  const lines = new LineCounter();
  const document = parseQuietly(source, lines);
  const positionOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (document.errors.length > 0) {
    return { value: undefined, root: undefined, faults: syntaxFaults(document, positionOf), positionOf };
  }
  if (document.contents === null) {
    const empty = { message: "the file is empty", offset: 0, hint: 'a config starts with "apiVersion" and "kind"' };
    return { value: undefined, root: undefined, faults: [empty], positionOf };
  }
  const reader = new YamlReader();
  const { value, place } = reader.read(document.contents, undefined);
  return { value, root: place, faults: reader.faults, positionOf };
}

/**
 * Parses the text to nodes. `failsafe` leaves every word as text, since words are read by PyYAML's rules here;
 * the package's own test for doubled keys takes quadratic time, so that is left to the reader as well.
 */
function parseQuietly(source: string, lineCounter: LineCounter): Document {
  return withoutEnvironment(() =>
    parseDocument(source, {
      version: "1.1",
      schema: "failsafe",
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter,
    })
  );
}

/**
 * Runs `parse` with an empty `process.env`. For every token, the `yaml` package asks whether `LOG_TOKENS` or
 * `LOG_STREAM` is set, and prints the token if so. Those names are common enough to be set for another program, and
 * asking takes a permission that reading a config has no other use for. `parse` is synchronous, so no other code
 * runs meanwhile.
 */
function withoutEnvironment<T>(parse: () => T): T {
  const environment = process.env;
  process.env = {};
  try {
    return parse();
  } finally {
    process.env = environment;
  }
}

/** The first error of each line. */
function syntaxFaults({ errors }: Document, positionOf: (offset: number) => Position): Fault[] {
  const byLine = new Map<number, Fault>();
  for (const { code, message, pos: [offset] } of errors) {
    const { line } = positionOf(offset);
    if (!byLine.has(line)) byLine.set(line, { offset, ...inPlainWords(code, message) });
  }
  return [...byLine.values()].sort((a, b) => a.offset - b.offset).slice(0, MAX_SYNTAX_FAULTS);
}

/** Says a syntax error with what to do about it, for those that a config's author runs into most. */
function inPlainWords(code: string, message: string): { message: string; hint?: string } {
  switch (code) {
    case "MULTIPLE_DOCS":
      return {
        message: "a second document starts here",
        hint: "a config is one document; put the others into files of their own",
      };
    case "RESOURCE_EXHAUSTION":
      return { message: "nested too deeply" };
    case "TAB_AS_INDENT":
      return { message: "a tab cannot indent", hint: "use spaces" };
    case "BLOCK_AS_IMPLICIT_KEY":
      return { message: "a mapping cannot start in the middle of a line", hint: 'quote a text that has ": " in it' };
    case "BAD_SCALAR_START":
      return { message, hint: "quote the text" };
    default:
      return { message };
  }
}
