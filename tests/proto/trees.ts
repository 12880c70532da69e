/**
 * Compares two folders file by file.
 *
 * @module
 */
import { join } from "node:path";

/** The texts of all files below a folder, by their paths from it. A folder that does not exist is empty. */
export async function readTree(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, path))) {
      const inner = path === "" ? name : `${path}/${name}`;
      if (isDirectory) await visit(inner);
      else texts.set(inner, await Deno.readTextFile(join(folder, inner)));
    }
  };
  await visit("").catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  return texts;
}

/** What would have to change in `actual` to make it `expected`, as sentences. */
export function differences(expected: ReadonlyMap<string, string>, actual: ReadonlyMap<string, string>): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].sort().flatMap((path) => {
    if (!actual.has(path)) return [`${path} is missing`];
    if (!expected.has(path)) return [`${path} is left over`];
    return expected.get(path) === actual.get(path) ? [] : [`${path} differs`];
  });
}
