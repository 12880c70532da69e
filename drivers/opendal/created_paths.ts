import { formatPath, parsePath, type StoragePath } from "./storage_path.ts";

/** Something to take away at the end. */
export interface OwnedPath {
  readonly path: StoragePath;
  /** With all that is in it; otherwise only if nothing is. */
  readonly isWhole: boolean;
}

/**
 * What clients have made in a storage since the driver started: for them to ask after, and to be taken away at the end
 * where the config says so.
 *
 * Both are kept apart. A file that was only given another name, or a directory that was there before, is told and
 * stays.
 */
export class CreatedPaths {
  readonly #told = new Set<string>();
  readonly #owned = new Map<string, OwnedPath>();

  /** The paths, without a `/` at either end. */
  get told(): string[] {
    return [...this.#told].sort();
  }

  /** What is to be taken away, what lies deepest first. */
  get owned(): OwnedPath[] {
    return [...this.#owned.values()].sort((a, b) => b.path.names.length - a.path.names.length);
  }

  /** Notes that a path was made, and with it the directories above it that were not there before. */
  add(path: StoragePath, parents: readonly StoragePath[] = [], isOwned = true): void {
    if (path.names.length === 0) return;
    this.#told.add(keyOf(path));
    for (const parent of parents) if (!this.#owned.has(keyOf(parent))) this.#own({ path: parent, isWhole: false });
    if (isOwned) this.#own({ path, isWhole: true });
  }

  /** Notes that a path is gone, with all that was in it. */
  remove(path: StoragePath): void {
    const isBelow = within(keyOf(path));
    for (const key of this.#told) if (isBelow(key)) this.#told.delete(key);
    for (const key of this.#owned.keys()) if (isBelow(key)) this.#owned.delete(key);
  }

  /** Notes that a path has another name, and so has what was in it. */
  move(source: StoragePath, target: StoragePath, parents: readonly StoragePath[]): void {
    const from = keyOf(source);
    const isBelow = within(from);
    const renamed = (key: string) => keyOf(target) + key.slice(from.length);
    const told = [...this.#told].filter(isBelow), owned = [...this.#owned].filter(([key]) => isBelow(key));
    this.remove(source);
    this.add(target, parents, false);
    for (const key of told) this.#told.add(renamed(key));
    for (const [key, { path: { isDirectory }, isWhole }] of owned) {
      this.#own({ path: { ...parsePath(renamed(key)), isDirectory }, isWhole });
    }
  }

  #own(owned: OwnedPath): void {
    this.#owned.set(keyOf(owned.path), owned);
  }
}

function keyOf({ names }: StoragePath): string {
  return formatPath({ names, isDirectory: false });
}

function within(key: string): (other: string) => boolean {
  return (other) => key === "/" || other === key || other.startsWith(`${key}/`);
}
