import assert from "node:assert/strict";
import { until } from "../../tests/fixtures/until.ts";
import { isRunning, openDirectory, pidIn, run } from "./bench_test.ts";
import type { HookOutcome } from "./hook_outcome.ts";

/** Runs a script until it prints a line, then fires the signal. */
async function interruptAtFirstLine(script: string, killGraceMs?: number) {
  const abort = new AbortController();
  return await run(script, { signal: abort.signal, killGraceMs, onLine: () => abort.abort() });
}

Deno.test("a script that succeeds is ok, and its lines arrive", async () => {
  const { outcome, lines } = await run("echo one; echo two >&2; printf three");
  assert.equal(outcome.kind, "ok");
  assert.deepEqual(lines.toSorted(), ["one", "three", "two"]);
});

Deno.test("another exit code is a failure with the last 20 lines", async () => {
  const { outcome } = await run("i=0; while [ $i -lt 30 ]; do echo $i; i=$((i+1)); done; exit 3");
  const lines = Array.from({ length: 20 }, (_, index) => String(index + 10));
  assert.deepEqual(outcome, { kind: "failed", exitCode: 3, lines });
});

Deno.test("a script that dies by a signal is killed, not timed out", async () => {
  const { outcome } = await run("echo last words; kill -9 $$");
  assert.deepEqual(outcome, { kind: "killed", signal: "SIGKILL", lines: ["last words"] });
});

Deno.test({
  name: "a script that dies by a real-time signal is killed as well",
  ignore: Deno.build.os !== "linux", // no other system has such signals
  fn: async () => {
    const { outcome } = await run("echo last words; kill -40 $$");
    assert.deepEqual(outcome, { kind: "killed", signal: "signal 40", lines: ["last words"] });
  },
});

Deno.test("a time-out ends the script and what it started", async () => {
  const { outcome, lines } = await run({ script: "sleep 3177 & echo $!; wait", timeoutMs: 1500 });
  assert.deepEqual(outcome, { kind: "timedOut", timeoutMs: 1500, lines });
  assert.equal(await isRunning(pidIn(lines)), false);
});

Deno.test("the signal ends the script and what it started", async () => {
  const { outcome, lines } = await interruptAtFirstLine("sleep 3177 & echo $!; wait");
  assert.deepEqual(outcome, { kind: "interrupted", lines });
  assert.equal(await isRunning(pidIn(lines)), false);
});

Deno.test("a signal that has fired already starts nothing", async () => {
  const { outcome, lines } = await run("echo started", { signal: AbortSignal.abort() });
  assert.deepEqual(outcome, { kind: "interrupted", lines: [] });
  assert.deepEqual(lines, []);
});

Deno.test("a stopped script may clean up after itself", async () => {
  const script = "trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
  const { outcome, lines } = await interruptAtFirstLine(script);
  // Some shells also report the `sleep` that the signal ended.
  assert.deepEqual([lines[0], lines.at(-1)], ["ready", "cleaned up"]);
  assert.equal(outcome.kind, "interrupted");
});

Deno.test("whoever ignores SIGTERM is killed after the grace time", async () => {
  const script = "trap '' TERM; echo $$; while :; do sleep 0.02; done";
  const { outcome, lines } = await interruptAtFirstLine(script, 200);
  assert.equal(outcome.kind, "interrupted");
  assert.equal(await isRunning(pidIn(lines)), false);
});

Deno.test("a grandchild that ignores SIGTERM is killed although the script itself has ended", async () => {
  const script = "(trap '' TERM; echo ready; while :; do sleep 0.02; done) & echo $!; wait";
  const abort = new AbortController();
  const onLine = (line: string) => line === "ready" && abort.abort();
  const { lines } = await run(script, { signal: abort.signal, killGraceMs: 200, onLine });
  const pid = pidIn(lines.filter((line) => line !== "ready"));
  assert.equal(await isRunning(pid), false);
});

Deno.test("a daemon survives a success, and does not hold the hook up", async () => {
  const startedAt = performance.now();
  const { outcome, lines } = await run("sleep 3177 & echo $!");
  const pid = pidIn(lines);
  try {
    assert.equal(outcome.kind, "ok");
    assert.equal(await isRunning(pid), true);
    assert.ok(performance.now() - startedAt < 30_000, "the hook must not wait for the daemon");
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("a daemon that never stops talking does not hold the hook up either", async () => {
  const { outcome, lines } = await run("(while :; do echo chatter; sleep 0.05; done) & echo $!");
  const pid = pidIn(lines.filter((line) => line !== "chatter"));
  assert.equal(outcome.kind, "ok");
  // Nobody reads its pipe any more, and that ends it.
  await until("the daemon ends", async () => !await isRunning(pid));
});

Deno.test("a failure ends what the script left in the background", async () => {
  const { outcome, lines } = await run("sleep 3177 & echo $!; exit 1");
  assert.equal(outcome.kind, "failed");
  assert.equal(await isRunning(pidIn(lines)), false);
});

Deno.test("ten thousand lines arrive complete and in order", async () => {
  const { outcome, lines } = await run("i=0; while [ $i -lt 10000 ]; do echo line $i; i=$((i+1)); done");
  assert.equal(outcome.kind, "ok");
  assert.deepEqual(lines, Array.from({ length: 10_000 }, (_, index) => `line ${index}`));
});

Deno.test("a stall of this program loses nothing, although a daemon keeps the pipe open", async () => {
  const script = "sleep 3177 & echo $!; sleep 0.1; i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done";
  // While this program stands still the script ends, and more than the quiet time that ends the reading goes by.
  const stall = () => {
    for (const until = performance.now() + 600; performance.now() < until;);
  };
  let isFirst = true;
  const onLine = () => {
    if (isFirst) stall();
    isFirst = false;
  };
  const { lines } = await run(script, { onLine });
  Deno.kill(pidIn(lines), "SIGKILL");
  assert.deepEqual(lines.slice(1), Array.from({ length: 5000 }, (_, index) => String(index)));
});

Deno.test("a character that is written in two halves comes out whole", async () => {
  const { lines } = await run("printf '\\303'; sleep 0.1; printf '\\244\\n'; printf 'a\\377b\\000c\\r\\n'");
  assert.deepEqual(lines, ["ä", "a\uFFFDb\0c"]);
});

Deno.test("the environment is what was given and nothing else", async () => {
  const { lines } = await run("/usr/bin/env; :", { env: { ONLY: "this" } });
  const names = lines.map((line) => line.split("=", 1)[0]);
  // A shell sets a few for itself.
  assert.deepEqual(names.filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name ?? "")), ["ONLY"]);
});

Deno.test("the script runs in cwd, and its input is empty", async () => {
  await using directory = await openDirectory();
  const { lines } = await run("pwd; cat; echo end", { cwd: directory.path });
  assert.deepEqual(lines, [await Deno.realPath(directory.path), "end"]);
});

Deno.test("an error of onLine is the caller's, and leaves nothing behind", async () => {
  let pid = 0;
  const onLine = (line: string) => {
    pid = Number(line);
    throw new RangeError("no more lines, please");
  };
  await assert.rejects(run("sleep 3177 & echo $!; wait", { onLine }), RangeError);
  assert.equal(await isRunning(pid), false);
});

Deno.test("what cannot be started says why", async () => {
  await using directory = await openDirectory();
  const plainFile = `${directory.path}/plain`;
  await Deno.writeTextFile(plainFile, "", { mode: 0o600 });
  const cases: [Promise<{ outcome: HookOutcome }>, RegExp][] = [
    [run({ script: ":", exec: "/nowhere/sh" }), /^there is no program "\/nowhere\/sh"$/],
    [run({ script: ":", exec: "no-such-sh" }), /^there is no program "no-such-sh"$/],
    [run({ script: ":", exec: "/usr/bin/env bash" }), /given as a list/],
    [run({ script: ":", exec: plainFile }), /cannot be executed: permission denied/],
    [run({ script: ":", exec: [] }), /exec names no program/],
    [run({ script: ":" }, { cwd: "/nowhere" }), /^there is no directory "\/nowhere"$/],
    [run({ scriptFile: "/nowhere/hook.sh" }), /^there is no file "\/nowhere\/hook.sh"$/],
    [run({ script: "echo a\0b" }), /nul byte/],
  ];
  for (const [running, reason] of cases) {
    const { outcome } = await running;
    assert.equal(outcome.kind, "notStarted");
    assert.match(outcome.kind === "notStarted" ? outcome.reason : "", reason);
  }
});

Deno.test("a time limit beyond what a timer can hold is no limit at all", async () => {
  const { outcome } = await run({ script: "sleep 0.1", timeoutMs: Infinity });
  assert.equal(outcome.kind, "ok");
});
