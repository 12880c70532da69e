import { readPlain, readTagged } from "./plain_scalar.ts";
import type { AliasNode, ListNode, MappingNode, ScalarNode, YamlNode } from "./yaml_nodes.ts";

/** Where a value stands, and the values in it. */
export interface Place {
  /** The offset of its key; absent for the root and for an item of a list. */
  readonly key?: number;
  /** The offset of the value itself; that of its key where nothing follows the colon. */
  readonly value: number;
  /** The places of what it holds, by key or index. */
  readonly children: ReadonlyMap<string | number, Place>;
}

/** One thing that is wrong with a file as YAML. */
export interface Fault {
  /** What is wrong, in one line. */
  readonly message: string;
  /** Where, counted in characters from 0. */
  readonly offset: number;
  /** What to try. */
  readonly hint?: string;
}

interface Read {
  readonly value: unknown;
  readonly place: Place;
}

interface MapContents {
  readonly values: Map<string, unknown>;
  readonly places: Map<string, Place>;
}

/** Deeper than any tree of devices, and shallow enough for every walk over the result. */
export const MAX_DEPTH = 64;
const NO_CHILDREN: ReadonlyMap<string | number, Place> = new Map();

/** Turns the nodes of one document into plain data, and notes where each value stands. */
export class YamlReader {
  /** What was found wrong so far, in the order of the file. */
  readonly faults: Fault[] = [];
  readonly #anchors = new Map<string, YamlNode>();
  readonly #targets = new Map<AliasNode, YamlNode | undefined>();
  readonly #open = new Set<YamlNode>();
  /** How many values may come in through aliases: a few lines of them can stand for more than memory holds. */
  readonly #maxAliased: number;
  #depth = 0;
  #aliasDepth = 0;
  #aliased = 0;

  /** Begins without faults; `maxAliased` values may come in through aliases. */
  constructor(maxAliased: number) {
    this.#maxAliased = maxAliased;
  }

  /** Reads a node and all beneath it; `key` is the offset of its key. */
  read(node: YamlNode, key: number | undefined): Read {
    if (node.kind === "alias") return this.#readAlias(node, key);
    if (node.anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(node.anchor, node);
    if (this.#aliasDepth > 0) this.#aliased++;
    if (node.kind === "scalar") return this.#readScalar(node, key);
    if (this.#depth >= MAX_DEPTH) return this.#refuse("nested too deeply", node.offset, key);
    if (!/^(?:tag:yaml\.org,2002:(?:map|seq)|!)?$/.test(node.tag ?? "")) return this.#refuseTag(node, key);
    this.#depth++;
    this.#open.add(node);
    const result = node.kind === "mapping" ? this.#readMap(node, key) : this.#readList(node, key);
    this.#open.delete(node);
    this.#depth--;
    return result;
  }

  #readScalar({ text, isPlain, tag, offset }: ScalarNode, key: number | undefined): Read {
    const value = isPlain && text === "" ? key ?? offset : offset;
    const place: Place = { key, value, children: NO_CHILDREN };
    if (tag === undefined) return { value: isPlain ? readPlain(text) : text, place };
    if (tag === "!" || tag === "tag:yaml.org,2002:str") return { value: text, place };
    const tagged = readTagged(tag, text);
    return tagged === undefined ? this.#refuseTag({ tag, offset }, key) : { value: tagged, place };
  }

  #readList({ items, offset }: ListNode, key: number | undefined): Read {
    const read = items.map((item) => this.read(item, undefined));
    const children = new Map(read.map(({ place }, index) => [index, place]));
    return { value: read.map(({ value }) => value), place: { key, value: offset, children } };
  }

  #readMap(node: MappingNode, key: number | undefined): Read {
    const own: MapContents = { values: new Map(), places: new Map() };
    const merged: Read[] = [];
    const seen = new Set<string>();
    for (const pair of node.pairs) {
      const { offset } = pair.key;
      const name = this.#readKey(pair.key, offset);
      if (name === undefined) continue;
      const isMerge = name === "<<" && pair.key.kind === "scalar" && pair.key.isPlain;
      if (seen.has(name)) {
        this.#fault(`"${name}" is given twice`, offset, "the second would replace the first");
        continue;
      }
      seen.add(name);
      const { value, place } = this.read(pair.value, offset);
      if (isMerge) merged.push(...this.#mergeSources({ value, place }, offset));
      else own.values.set(name, value), own.places.set(name, place);
    }
    merged.forEach((source) => addMissing(own, source));
    return { value: Object.fromEntries(own.values), place: { key, value: node.offset, children: own.places } };
  }

  /** A key as the text that it is: `on:` stays `on`, since every key in a config is a name. */
  #readKey(node: YamlNode, offset: number): string | undefined {
    const key = node.kind === "alias" ? this.#targetOf(node) : node;
    if (key?.kind !== "scalar") {
      const isNested = key?.kind === "mapping" || key?.kind === "list";
      this.#fault(isNested ? "a key must be a word, not a list or mapping" : "a key is missing", offset);
      return undefined;
    }
    const { anchor, text, isPlain } = key;
    if (anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(anchor, key);
    if (isPlain && text === "") {
      this.#fault("a key is missing", offset);
      return undefined;
    }
    if (text === "__proto__") {
      this.#fault('"__proto__" cannot be a key', offset);
      return undefined;
    }
    const value = isPlain ? readPlain(text) : text;
    return typeof value === "number" ? String(value) : text;
  }

  /** The mappings that `<<` names: the one that it has, or each of its list, the first to win. */
  #mergeSources(source: Read, offset: number): Read[] {
    const { value, place } = source;
    const sources = Array.isArray(value)
      ? value.map((item, index) => ({ value: item, place: place.children.get(index) ?? place }))
      : [source];
    const isWhole = sources.every(({ value }) => isRecord(value));
    if (!isWhole) this.#fault('"<<" takes a mapping or a list of mappings', offset);
    return isWhole ? sources : [];
  }

  #readAlias(node: AliasNode, key: number | undefined): Read {
    const { name, offset } = node;
    const target = this.#targetOf(node);
    if (target === undefined) return this.#refuse(`no anchor "&${name}" stands before this alias`, offset, key);
    if (this.#open.has(target)) return this.#refuse(`"*${name}" stands for a value that holds itself`, offset, key);
    if (this.#aliased > this.#maxAliased) return this.#nothing(offset, key);
    this.#aliasDepth++;
    const { value, place } = this.read(target, key);
    this.#aliasDepth--;
    if (this.#aliasDepth === 0 && this.#aliased > this.#maxAliased) {
      this.#fault(`the aliases stand for more than ${this.#maxAliased} values`, offset);
    }
    return { value, place: { key, value: offset, children: place.children } };
  }

  /** The node an alias meant where it stands in the file, however often it is reached through other aliases. */
  #targetOf(alias: AliasNode): YamlNode | undefined {
    if (!this.#targets.has(alias)) this.#targets.set(alias, this.#anchors.get(alias.name));
    return this.#targets.get(alias);
  }

  #refuseTag({ tag = "", offset }: Pick<ScalarNode, "tag" | "offset">, key: number | undefined): Read {
    const short = tag.replace("tag:yaml.org,2002:", "!!");
    return this.#refuse(`the tag "${short}" does not fit here`, offset, key, "leave it out");
  }

  #refuse(message: string, offset: number, key: number | undefined, hint?: string): Read {
    this.#fault(message, offset, hint);
    return this.#nothing(offset, key);
  }

  #nothing(value: number, key: number | undefined): Read {
    return { value: null, place: { key, value, children: NO_CHILDREN } };
  }

  /** Notes a fault, but once for each place: what an alias stands for is read anew for every use. */
  #fault(message: string, offset: number, hint?: string): void {
    if (this.#aliasDepth === 0 || !this.faults.some((fault) => fault.offset === offset)) {
      this.faults.push({ message, offset, hint });
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Adds what `contents` does not have yet: the keys of the mapping itself win over merged ones. */
function addMissing(contents: MapContents, { value, place }: Read): void {
  if (!isRecord(value)) return;
  for (const [name, item] of Object.entries(value)) {
    const itemPlace = place.children.get(name);
    if (contents.values.has(name) || itemPlace === undefined) continue;
    contents.values.set(name, item);
    contents.places.set(name, itemPlace);
  }
}
