/**
 * Fails when `proto/gen` is not what the `.proto` files generate: `deno task proto:check`. It is no test, since it
 * fetches the generator, which the tests do without.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { differences, readTree } from "./trees.ts";

const PROTO = fileURLToPath(new URL("../../proto/", import.meta.url));

/** Generates the code into a folder. */
async function generate(folder: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    // The same command as `deno task proto`, but for the folder.
    args: ["task", "proto", "--output", folder],
    cwd: PROTO,
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("cannot generate the code");
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir({ prefix: "jmp-proto-" });
  try {
    await generate(folder);
    const generated = await readTree(join(folder, "gen"));
    if (generated.size === 0) throw new Error("nothing was generated");
    const faults = differences(generated, await readTree(join(PROTO, "gen")));
    for (const fault of faults) console.error(`proto/gen/${fault}; run \`deno task proto\``);
    Deno.exitCode = faults.length > 0 ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
