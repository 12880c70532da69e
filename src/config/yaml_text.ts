import { type Event, EVENT_ID, parseEvents, YAMLException } from "js-yaml";
import type { Position } from "./position.ts";
import { toNode, type YamlNode } from "./yaml_nodes.ts";
import { type Fault, MAX_DEPTH, type Place, YamlReader } from "./yaml_reader.ts";
import { secondDocument, syntaxFault } from "./yaml_syntax.ts";

/** What a YAML file holds, and where everything stands in it. */
export interface YamlText {
  /** The file as plain data; undefined when its syntax is broken or it holds nothing. */
  readonly value: unknown;
  /** Where the values stand; undefined with `value`. */
  readonly root: Place | undefined;
  /** What is wrong with the file as YAML, in the order of the file. A syntax error hides whatever comes after it. */
  readonly faults: readonly Fault[];
  /** Line and column of an offset, counted from 1. */
  positionOf(offset: number): Position;
}

/** Reads one YAML document as PyYAML reads it, without throwing; aliases may stand for so many values. */
export function readYaml(text: string, maxAliasedValues: number): YamlText {
  const source = text.replace(/^\ufeff/, "");
  const positionOf = lineIndex(source);
  const broken = (fault: Fault) => ({ value: undefined, root: undefined, faults: [fault], positionOf });
  let events: Event[];
  try {
    events = parseEvents(source, { maxDepth: 4 * MAX_DEPTH }); // the reader says where it is too deep for a config
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return broken(syntaxFault(error, source));
  }
  const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT);
  const node = toNode(events, source);
  if (documents[0] === undefined || node === undefined || isNothing(node)) {
    const hint = 'a config starts with "apiVersion" and "kind"';
    return broken({ message: "the file is empty", offset: 0, hint });
  }
  if (documents.length > 1) return broken(secondDocument(source, { isExplicit: documents[0].explicitStart }));
  const reader = new YamlReader(maxAliasedValues);
  const { value, place } = reader.read(node, undefined);
  return { value, root: place, faults: reader.faults, positionOf };
}

function isNothing(node: YamlNode): boolean {
  return node.kind === "scalar" && node.isPlain && node.text === "";
}

/** Tells the line and the column of an offset. */
function lineIndex(source: string): (offset: number) => Position {
  const starts = [0];
  for (const { index } of source.matchAll(/\n/g)) starts.push(index + 1);
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: Math.max(line, 0) + 1, column: Math.max(offset - (starts[line] ?? 0), 0) + 1 };
  };
}
