import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { readPlain, readTagged } from "./plain_scalar.ts";

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
const MAX_DEPTH = 64;
/** How many values may come in through aliases: a few lines of them can stand for more than memory holds. */
const MAX_ALIASED = 10_000;
const NO_CHILDREN: ReadonlyMap<string | number, Place> = new Map();

/** Turns the nodes of one document into plain data, and notes where each value stands. */
export class YamlReader {
  /** What was found wrong so far, in the order of the file. */
  readonly faults: Fault[] = [];
  readonly #anchors = new Map<string, Node>();
  readonly #targets = new Map<Alias, Node | undefined>();
  readonly #open = new Set<Node>();
  #depth = 0;
  #aliasDepth = 0;
  #aliased = 0;

  /** Reads a node and all beneath it; `key` is the offset of its key. */
  read(node: unknown, key: number | undefined): Read {
    if (isAlias(node)) return this.#readAlias(node, key);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return this.#nothing(key ?? 0, key);
    if (node.anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(node.anchor, node);
    if (this.#aliasDepth > 0) this.#aliased++;
    if (isScalar(node)) return this.#readScalar(node, key);
    if (this.#depth >= MAX_DEPTH) return this.#refuse("nested too deeply", offsetOf(node), key);
    if (!/^(?:tag:yaml\.org,2002:(?:map|seq)|!)?$/.test(node.tag ?? "")) return this.#refuseTag(node, key);
    this.#depth++;
    this.#open.add(node);
    const result = isMap(node) ? this.#readMap(node, key) : this.#readList(node, key);
    this.#open.delete(node);
    this.#depth--;
    return result;
  }

  #readScalar(node: Scalar, key: number | undefined): Read {
    const text = String(node.value);
    const isPlain = node.type === "PLAIN";
    const offset = isPlain && text === "" ? key ?? offsetOf(node) : offsetOf(node);
    const place: Place = { key, value: offset, children: NO_CHILDREN };
    if (node.tag === undefined) return { value: isPlain ? readPlain(text) : text, place };
    if (node.tag === "!" || node.tag === "tag:yaml.org,2002:str") return { value: text, place };
    const value = readTagged(node.tag, text);
    return value === undefined ? this.#refuseTag(node, key) : { value, place };
  }

  #readList(node: YAMLSeq, key: number | undefined): Read {
    const items = node.items.map((item) => this.read(item, undefined));
    const children = new Map(items.map(({ place }, index) => [index, place]));
    return { value: items.map(({ value }) => value), place: { key, value: offsetOf(node), children } };
  }

  #readMap(node: YAMLMap, key: number | undefined): Read {
    const own: MapContents = { values: new Map(), places: new Map() };
    const merged: Read[] = [];
    const seen = new Map<string, number>();
    for (const pair of node.items) {
      const offset = keyOffset(pair, node);
      const name = this.#readKey(pair.key, offset);
      if (name === undefined) continue;
      const isMerge = name === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN";
      if (seen.has(name)) {
        this.#fault(`"${name}" is given twice`, offset, "the second would replace the first");
        continue;
      }
      seen.set(name, offset);
      const { value, place } = this.read(pair.value, offset);
      if (isMerge) merged.push(...this.#mergeSources({ value, place }, offset));
      else own.values.set(name, value), own.places.set(name, place);
    }
    merged.forEach((source) => addMissing(own, source));
    return { value: Object.fromEntries(own.values), place: { key, value: offsetOf(node), children: own.places } };
  }

  /** A key as the text that it is: `on:` stays `on`, since every key in a config is a name. */
  #readKey(node: unknown, offset: number): string | undefined {
    const key = isAlias(node) ? this.#targetOf(node) : node;
    if (!isScalar(key)) {
      this.#fault(
        isMap(key) || isSeq(key) ? "a key must be a word, not a list or mapping" : "a key is missing",
        offset,
      );
      return undefined;
    }
    if (key.anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(key.anchor, key);
    const text = String(key.value);
    if (key.type === "PLAIN" && text === "") {
      this.#fault("a key is missing", offset);
      return undefined;
    }
    if (text === "__proto__") {
      this.#fault('"__proto__" cannot be a key', offset);
      return undefined;
    }
    const value = key.type === "PLAIN" ? readPlain(text) : text;
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

  #readAlias(node: Alias, key: number | undefined): Read {
    const offset = offsetOf(node);
    const target = this.#targetOf(node);
    if (target === undefined) {
      return this.#refuse(`no anchor "&${node.source}" stands before this alias`, offset, key);
    }
    if (this.#open.has(target)) {
      return this.#refuse(`"*${node.source}" stands for a value that holds itself`, offset, key);
    }
    if (this.#aliased > MAX_ALIASED) return this.#nothing(offset, key);
    this.#aliasDepth++;
    const { value, place } = this.read(target, key);
    this.#aliasDepth--;
    if (this.#aliasDepth === 0 && this.#aliased > MAX_ALIASED) {
      this.#fault(`the aliases stand for more than ${MAX_ALIASED} values`, offset);
    }
    return { value, place: { key, value: offset, children: place.children } };
  }

  /** The node an alias meant where it stands in the file, however often it is reached through other aliases. */
  #targetOf(alias: Alias): Node | undefined {
    if (!this.#targets.has(alias)) this.#targets.set(alias, this.#anchors.get(alias.source));
    return this.#targets.get(alias);
  }

  #refuseTag(node: Node, key: number | undefined): Read {
    const tag = (node.tag ?? "").replace("tag:yaml.org,2002:", "!!");
    return this.#refuse(`the tag "${tag}" does not fit here`, offsetOf(node), key, "leave it out");
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

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function keyOffset({ key }: Pair, map: YAMLMap): number {
  return isScalar(key) || isAlias(key) || isMap(key) || isSeq(key) ? offsetOf(key) : offsetOf(map);
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
