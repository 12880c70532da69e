import { type Event, EVENT_ID, getScalarValue, SCALAR_STYLE, type ScalarEvent } from "js-yaml";

/** What every node but an alias may carry. */
interface NodeBase {
  /** Where it begins, counted in characters from 0; its anchor and its tag stand before that. */
  readonly offset: number;
  /** The name after `&`. */
  readonly anchor?: string;
  /** Its tag in full, such as `tag:yaml.org,2002:int`. */
  readonly tag?: string;
}

/** A word or a text. */
export interface ScalarNode extends NodeBase {
  readonly kind: "scalar";
  /** What it says, without its quotes. */
  readonly text: string;
  /** Neither quoted nor a block, and so perhaps a number or the like. An empty one stands where nothing is. */
  readonly isPlain: boolean;
}

/** A list. */
export interface ListNode extends NodeBase {
  readonly kind: "list";
  readonly items: YamlNode[];
}

/** A mapping, as it stands in the file: with keys that are doubled or no words. */
export interface MappingNode extends NodeBase {
  readonly kind: "mapping";
  readonly pairs: { readonly key: YamlNode; value: YamlNode }[];
}

/** A `*name` that stands for a node of before. */
export interface AliasNode {
  readonly kind: "alias";
  readonly offset: number;
  readonly name: string;
}

/** What a document is made of. */
export type YamlNode = ScalarNode | ListNode | MappingNode | AliasNode;

/** The nodes of the document that `events` begin with; nothing when they hold none. */
export function toNode(events: readonly Event[], source: string): YamlNode | undefined {
  const [first, ...rest] = events;
  if (first?.type !== EVENT_ID.DOCUMENT) return undefined;
  let root: YamlNode | undefined;
  const open: (ListNode | MappingNode)[] = [];
  const keys: (YamlNode | undefined)[] = [];
  const add = (node: YamlNode) => {
    const parent = open.at(-1);
    if (parent === undefined) root = node;
    else if (parent.kind === "list") parent.items.push(node);
    else if (keys.at(-1) === undefined) keys[keys.length - 1] = node;
    else {
      parent.pairs.push({ key: keys.at(-1) as YamlNode, value: node });
      keys[keys.length - 1] = undefined;
    }
    if (node.kind === "list" || node.kind === "mapping") {
      open.push(node);
      keys.push(undefined);
    }
  };
  for (const event of rest) {
    if (event.type === EVENT_ID.DOCUMENT) break;
    if (event.type === EVENT_ID.POP) {
      open.pop();
      keys.pop();
    } else {
      add(bareNode(event, source));
    }
  }
  return root;
}

function bareNode(
  event: Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>,
  source: string,
): YamlNode {
  const name = event.anchorStart < 0 ? undefined : source.slice(event.anchorStart, event.anchorEnd);
  if (event.type === EVENT_ID.ALIAS) return { kind: "alias", offset: event.anchorStart - 1, name: name ?? "" };
  const tag = event.tagStart < 0 ? undefined : fullTag(source.slice(event.tagStart, event.tagEnd));
  const base = { anchor: name, tag };
  switch (event.type) {
    case EVENT_ID.SEQUENCE:
      return { kind: "list", ...base, offset: event.start, items: [] };
    case EVENT_ID.MAPPING:
      return { kind: "mapping", ...base, offset: event.start, pairs: [] };
    case EVENT_ID.SCALAR: {
      const isPlain = event.style === SCALAR_STYLE.PLAIN;
      const text = event.valueStart < 0 ? "" : getScalarValue(source, event);
      return { kind: "scalar", ...base, offset: scalarOffset(event, source), text, isPlain };
    }
  }
}

/** Where a scalar begins, its quote or the sign of its block included. */
function scalarOffset({ style, valueStart, tagEnd, anchorEnd }: ScalarEvent, source: string): number {
  switch (style) {
    case SCALAR_STYLE.PLAIN:
      return valueStart < 0 ? Math.max(tagEnd, anchorEnd, 0) : valueStart;
    case SCALAR_STYLE.SINGLE_QUOTED:
    case SCALAR_STYLE.DOUBLE_QUOTED:
      return valueStart - 1;
    default: {
      // The sign ends its line, but for how to indent and a comment, and nothing but blanks stands before the text.
      const header = source.slice(0, valueStart).trimEnd();
      const line = header.lastIndexOf("\n") + 1;
      return line + header.slice(line).search(/[|>][-+\d]*(?:\s+#.*)?$/);
    }
  }
}

function fullTag(tag: string): string {
  if (tag.startsWith("!<")) return tag.slice(2, -1);
  return tag.startsWith("!!") ? `tag:yaml.org,2002:${tag.slice(2)}` : tag;
}
