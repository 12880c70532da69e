import { nearest } from "../nearest.ts";
import type { SchemaProblem } from "../schema_problems.ts";
import type { Draft, Drafts } from "./export_entries.ts";
import type { ExportEntries, ExportEntry } from "./exporter_config.ts";

/** More devices than any exporter has; a few lines of references can stand for any number. */
const MAX_DEVICES = 10_000;
/** More steps than any way from reference to reference has; each is a call within a call here. */
const MAX_STEPS = 200;

/** The entry at a path of names from the root, or nothing; a reference on the way is not followed. */
function entryAt(entries: ExportEntries, path: readonly string[]): ExportEntry | undefined {
  const [name, ...rest] = path;
  const entry = name !== undefined && Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry === undefined || rest.length === 0) return entry;
  return entry.kind === "ref" ? undefined : entryAt(entry.children, rest);
}

/** Fills in where every reference leads; what leads nowhere, or round in a circle, goes to `problems`. */
export function resolveRefs(entries: Drafts, problems: SchemaProblem[]): void {
  const resolver = new RefResolver(entries, problems);
  const devices = Object.keys(entries).reduce((sum, name) => sum + resolver.visit([name]), 0);
  if (devices > MAX_DEVICES) {
    const message = `the references make a tree of more than ${MAX_DEVICES} devices`;
    problems.push({ path: ["export"], message, at: "key" });
  }
}

type Names = readonly string[];

class RefResolver {
  readonly #entries: Drafts;
  readonly #problems: SchemaProblem[];
  /** How many devices each finished entry stands for, by its dotted path. */
  readonly #sizes = new Map<string, number>();
  /** The entries that are being visited, outermost first. */
  readonly #trail: string[] = [];

  constructor(entries: Drafts, problems: SchemaProblem[]) {
    this.#entries = entries;
    this.#problems = problems;
  }

  /** Resolves the entry at `path` and all that it holds, and counts its devices. */
  visit(path: Names): number {
    const key = path.join(".");
    const known = this.#sizes.get(key);
    if (known !== undefined) return known;
    const entry = this.#at(path);
    if (entry === undefined) return 0;
    const start = this.#trail.indexOf(key);
    if (start !== -1) {
      this.#reportCircle([...this.#trail.slice(start), key]);
      return 0;
    }
    if (entry.kind === "ref" && this.#trail.length >= MAX_STEPS) {
      const message = `"ref" leads from one to the next more than ${MAX_STEPS} times`;
      this.#problems.push({ path: this.#refPath(path), message, at: "value" });
      return 0;
    }
    this.#trail.push(key);
    const size = entry.kind === "ref" ? this.#follow(entry, path) : this.#visitChildren(entry, path);
    this.#trail.pop();
    this.#sizes.set(key, size);
    return size;
  }

  #visitChildren({ children }: { children: Drafts }, path: Names): number {
    return Object.keys(children).reduce((sum, name) => sum + this.visit([...path, name]), 1);
  }

  #follow(entry: Draft & { kind: "ref" }, path: Names): number {
    let at: Names = [];
    for (const name of entry.ref.split(".")) {
      const next = [...at, name];
      const found = this.#at(next);
      if (found === undefined) {
        const parent = this.#at(at);
        const mayBeThere = parent !== undefined && parent.kind !== "ref" && parent.isBroken;
        if (!mayBeThere) this.#reportNowhere(entry.ref, path);
        return 0;
      }
      if (found.kind === "ref") this.visit(next);
      at = found.kind === "ref" ? found.target : next;
      // The reference on the way is in a circle or leads nowhere, which has been reported where it stands.
      if (at.length === 0) return 0;
    }
    const size = this.visit(at);
    entry.target = at;
    return size;
  }

  #at(path: Names): Draft | undefined {
    return entryAt(this.#entries, path) as Draft | undefined;
  }

  #reportNowhere(ref: string, path: Names): void {
    const near = nearest(ref, [...pathsOf(this.#entries, "")].filter((known) => known !== path.join(".")));
    const hint = near.length === 0 ? undefined : `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`;
    this.#problems.push({
      path: this.#refPath(path),
      message: `"ref" leads nowhere: there is no "${ref}"`,
      hint,
      at: "value",
    });
  }

  #reportCircle(circle: readonly string[]): void {
    const first = circle.map((key) => key.split(".")).find((path) => this.#at(path)?.kind === "ref") ?? [];
    this.#problems.push({
      path: this.#refPath(first),
      message: `"ref" leads in a circle: ${circle.join(" -> ")}`,
      at: "value",
    });
  }

  /** Where the file has the reference of an entry. */
  #refPath(names: Names): string[] {
    return ["export", ...names.flatMap((name, index) => index === 0 ? [name] : ["children", name]), "ref"];
  }
}

/** The dotted paths of all entries, without following any reference. */
function* pathsOf(entries: Drafts, prefix: string): Generator<string> {
  for (const [name, entry] of Object.entries(entries)) {
    yield prefix + name;
    if (entry.kind !== "ref") yield* pathsOf(entry.children, `${prefix}${name}.`);
  }
}
