import type { YAMLException } from "js-yaml";
import type { Fault } from "./yaml_reader.ts";

/** What the parser calls an error, and what a config's author is told of it. */
const plainWords: readonly [reason: RegExp, message: string, hint?: string][] = [
  [/^tab characters must not/, "a tab cannot indent", "use spaces"],
  [/^nesting exceeded/, "nested too deeply"],
  [/within a (?:single|double) quoted scalar/, "the closing quote is missing"],
  [/within a flow collection/, 'the closing "]" or "}" is missing'],
  [/^missed comma/, "a comma is missing", 'or the closing "]" or "}" does not fit the opening one'],
  [/^deficient indentation/, "indented less than what is still open", 'close the quote, the "[" or the "{" before'],
  [/^unknown escape/, "no such escape", String.raw`write "\\" for a backslash, or use single quotes`],
  [/non-printable/, "a character that cannot be printed", "is this a text file?"],
  [/^undeclared tag/, "a tag that is not declared", "leave it out"],
  [/^name of an? (?:anchor|alias)/, "a name is missing", "quote a text that begins with & or *"],
];

/** Words that mean something else in YAML at the beginning of a value. */
const reserved = /^[@`%!&*|>]/;

/** A syntax error, said with what to do about it. */
export function syntaxFault({ reason, mark }: YAMLException, source: string): Fault {
  const offset = mark?.position ?? 0;
  for (const [pattern, message, hint] of plainWords) {
    if (pattern.test(reason)) return { offset, message, hint };
  }
  if (!/indentation|expected|can not read/.test(reason)) return { offset, message: reason };
  const rest = source.slice(offset), [first = ""] = rest;
  const isInLine = source.slice(source.lastIndexOf("\n", offset - 1) + 1, offset).trim() !== "";
  if (isInLine && reserved.test(rest)) {
    return { offset, message: `a value cannot begin with "${first}"`, hint: "quote the text" };
  }
  if (isInLine && first === "-") {
    return { offset, message: "a list cannot begin in the middle of a line", hint: "quote the text, or begin a line" };
  }
  if (isInLine && /^:(?:\s|$)/.test(rest)) {
    const hint = 'quote a text that has ": " in it';
    return { offset, message: "a mapping cannot begin in the middle of a line", hint };
  }
  const hint = "a colon may be missing above, or the indentation differs from that of its neighbours";
  return { offset, message: "this does not belong here", hint };
}

/** That the file goes on after its first document. */
export function secondDocument(source: string, { isExplicit }: { isExplicit: boolean }): Fault {
  const [, ...others] = [...isExplicit ? [] : [undefined], ...source.matchAll(/^---(?=\s|$)/gm)];
  return {
    message: "a second document starts here",
    offset: others[0]?.index ?? source.search(/^\.\.\.(?=\s|$)/m),
    hint: "a config is one document; put the others into files of their own",
  };
}
