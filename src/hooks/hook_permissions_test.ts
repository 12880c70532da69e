import assert from "node:assert/strict";
import { permissionFlags } from "../permission.ts";
import { openDirectory } from "./bench_test.ts";
import { hookPermissions, runHook } from "./mod.ts";
import type { Hook } from "./mod.ts";

async function flagsOf(hook: Partial<Hook>, workDir?: string): Promise<string[]> {
  return permissionFlags(await hookPermissions({ script: "", timeoutMs: 60_000, ...hook }, { workDir }));
}

Deno.test("a hook needs its interpreter, and the shell that stops its group", async () => {
  assert.deepEqual(await flagsOf({ script: "echo hello" }), ["--allow-run=/bin/sh"]);
  assert.deepEqual(await flagsOf({ script: "echo hello", exec: "bash" }), ["--allow-run=/bin/sh,bash"]);
  assert.deepEqual(await flagsOf({ script: "pass", exec: ["/usr/bin/env", "python3"] }), [
    "--allow-run=/bin/sh,/usr/bin/env",
  ]);
});

Deno.test("a hook that names a file needs to look at it, and a written one to write", async () => {
  await using directory = await openDirectory();
  const file = `${directory.path}/hook.sh`;
  await Deno.writeTextFile(file, "true");
  assert.deepEqual(await flagsOf({ script: file }), [`--allow-read=${file}`, "--allow-run=/bin/sh"]);
  assert.deepEqual(await flagsOf({ scriptFile: file }), ["--allow-run=/bin/sh"]);
  assert.deepEqual(await flagsOf({ script: "1", exec: "deno" }, directory.path), [
    `--allow-write=${directory.path}`,
    "--allow-run=/bin/sh,deno",
  ]);
});

Deno.test("a hook that cannot be started needs nothing, and is not what fails", async () => {
  assert.deepEqual(await flagsOf({ scriptFile: "/no/such/file" }), []);
  const outcome = await runHook({ script: "", scriptFile: "/no/such/file", timeoutMs: 1_000 }, {
    env: {},
    onLine() {},
  });
  assert.equal(outcome.kind, "notStarted");
});
