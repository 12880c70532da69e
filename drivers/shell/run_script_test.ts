import assert from "node:assert/strict";
import { ScriptRun } from "./run_script.ts";
import { isolatedTest } from "../../tests/fixtures/run_isolated.ts";

const start = (script: string, { timeoutMs = 60_000, signal = new AbortController().signal } = {}) =>
  new ScriptRun({ argv: ["sh", "-c", script], env: { PATH: "/usr/bin:/bin" }, timeoutMs, name: "test", signal });

/** How many descriptors this process holds. */
const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

const isAlive = async (pid: number) =>
  !/^State:\s+Z/m.test(await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "State:\tZ"));

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

/** Starts a script that writes 50 MB at once, and reads no more of it than its pid. */
async function startMuch(limits: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const run = start("echo $$; exec head -c 50000000 /dev/zero", limits);
  const pieces = run.pieces();
  const first = await pieces.next();
  return { run, pieces, pid: parseInt(first.value?.[0] ?? "") };
}

Deno.test("a script whose output nobody reads is made to wait", async () => {
  const { run, pieces, pid } = await startMuch();
  await using _run = run;
  // Left alone it would be done in a few milliseconds.
  await pause(500);
  assert.ok(await isAlive(pid), "all of the output went somewhere");
  let length = 0, code: number | null = null;
  for await (const [stdout, , exitCode] of pieces) {
    length += stdout.length;
    code = exitCode;
  }
  assert.ok(length > 49_900_000, String(length));
  assert.equal(code, 0);
});

Deno.test("a time-out and a signal reach a script whose output nobody reads", async () => {
  const late = await startMuch({ timeoutMs: 100 });
  await late.run.ended;
  assert.ok(!await isAlive(late.pid));
  assert.deepEqual((await Array.fromAsync(late.pieces)).at(-1), [
    "",
    '\n"test" took longer than 0.1 s and was stopped\n',
    199,
  ]);
  const stopping = new AbortController();
  const stopped = await startMuch({ signal: stopping.signal });
  const reason = new Error("enough");
  stopping.abort(reason);
  await stopped.run.ended;
  assert.ok(!await isAlive(stopped.pid));
  await assert.rejects(Array.fromAsync(stopped.pieces), reason);
});

Deno.test("nothing of a script is left when its last piece has come", async () => {
  await using run = start("sleep 1000 & echo $!");
  let text = "";
  for await (const [stdout, , code] of run.pieces()) {
    text += stdout;
    if (code !== null) assert.ok(!await isAlive(parseInt(text)));
  }
  assert.ok(parseInt(text) > 0);
});

isolatedTest(import.meta.url, "no call leaves a descriptor behind, however it ends", async () => {
  const runAll = async () => {
    for (const script of ["echo done", "exit 3", "sleep 1000", "yes"]) {
      await using run = start(script, { timeoutMs: 50 });
      for await (const [, , code] of run.pieces()) if (code !== null) break;
    }
    const { run, pieces } = await startMuch();
    await pieces.return(undefined);
    await run[Symbol.asyncDispose]();
  };
  await runAll();
  const before = descriptors();
  await runAll();
  assert.equal(descriptors(), before);
});
