/**
 * The packages that `deno.lock` has, with their versions and licences: `deno task licences`.
 *
 * @module
 */
import { join } from "node:path";

const root = new URL("../../", import.meta.url);

/** The packages of `deno.lock`, each with the hash of what was downloaded. */
export async function readLock(): Promise<Record<string, { readonly integrity: string }>> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.lock", root))).npm;
}

/** A package as it is locked. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** As the package says it, in the words of SPDX; nothing where it says none. */
  readonly licence?: string;
}

/** Every package, in the order of the names. */
export async function lockedPackages(): Promise<LockedPackage[]> {
  const roots = await packageFolders();
  return await Promise.all(
    Object.keys(await readLock()).sort().map(async (entry) => {
      // A package that was resolved with peers has theirs after an underscore.
      const [, name = "", version = ""] = /^(.+)@([^@_]+)/.exec(entry) ?? [];
      for (const root of roots) {
        const text = await Deno.readTextFile(join(root, name, version, "package.json")).catch(() => undefined);
        if (text === undefined) continue;
        const { license } = JSON.parse(text);
        return { name, version, licence: typeof license === "string" ? license : license?.type };
      }
      throw new Error(`${entry} is not in the cache`);
    }),
  );
}

/** Where Deno keeps packages: a folder for each registry. */
async function packageFolders(): Promise<string[]> {
  const run = async (...args: string[]) => await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  await run("install", "--frozen"); // a test that is run by itself would not find what it does not import
  const { stdout } = await run("info", "--json");
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  return (await Array.fromAsync(Deno.readDir(npmCache))).map(({ name }) => join(npmCache, name));
}

if (import.meta.main) {
  for (const { name, version, licence = "none" } of await lockedPackages()) {
    console.log(`${name} ${version} ${licence}`);
  }
}
