/** What the tests of this room share. */
import { pathToFileURL } from "node:url";

/** A folder that goes with its scope. */
export async function openDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "driver-test-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** The URL of a path. */
export function toFileUrl(path: string): URL {
  return pathToFileURL(path);
}
