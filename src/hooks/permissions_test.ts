import assert from "node:assert/strict";
import { isRunning, namesIn, openDirectory, pidIn } from "./bench_test.ts";
import type { Hook, HookOutcome } from "./mod.ts";

/** Runs one hook in a Deno of its own that has just these permissions, and is stopped at the line `stop`. */
async function runUnder(
  flags: readonly string[],
  hook: Partial<Hook>,
  workDir?: string,
): Promise<{ outcome: HookOutcome; lines: string[] }> {
  await using directory = await openDirectory();
  const program = `${directory.path}/probe.ts`;
  await Deno.writeTextFile(
    program,
    `import { runHook } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).href)};
    const lines: string[] = [];
    const abort = new AbortController();
    const outcome = await runHook(${JSON.stringify({ script: "", timeoutMs: 60_000, ...hook })}, {
      env: ${JSON.stringify({ PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "" })},
      workDir: ${JSON.stringify(workDir)},
      signal: abort.signal,
      killGraceMs: 300,
      onLine: (line) => line === "stop" ? abort.abort() : lines.push(line),
    });
    console.log(JSON.stringify({ outcome, lines }));`,
  );
  const args = ["run", "--no-prompt", "--no-lock", ...flags, program];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("an inline script needs to run the shell, and nothing else", async () => {
  const hook = { script: "echo hello" };
  const { outcome, lines } = await runUnder(["--allow-run=/bin/sh"], hook);
  assert.equal(outcome.kind, "ok");
  assert.deepEqual(lines, ["hello"]);
  const refused = await runUnder([], hook);
  assert.match(refused.outcome.kind === "notStarted" ? refused.outcome.reason : "", /run access to "\/bin\/sh"/);
});

Deno.test("the shell is enough to stop the whole group, even those that ignore SIGTERM", async () => {
  const script = "(trap '' TERM; while :; do sleep 0.02; done) & echo $!; echo stop; wait";
  const { outcome, lines } = await runUnder(["--allow-run=/bin/sh"], { script });
  assert.equal(outcome.kind, "interrupted");
  assert.equal(await isRunning(pidIn(lines)), false);
});

Deno.test("another interpreter is enough, but then only the child itself is stopped", async () => {
  const interpreter = "/usr/bin/env";
  const hook = { script: "sleep 3177 & echo $!; echo stop; wait", exec: [interpreter, "sh"] };
  const alone = await runUnder([`--allow-run=${interpreter}`], hook);
  const survivor = pidIn(alone.lines);
  assert.equal(alone.outcome.kind, "interrupted");
  assert.equal(await isRunning(survivor), true);
  Deno.kill(survivor, "SIGKILL");
  const withShell = await runUnder([`--allow-run=${interpreter},/bin/sh`], hook);
  assert.equal(withShell.outcome.kind, "interrupted");
  assert.equal(await isRunning(pidIn(withShell.lines)), false);
});

Deno.test("a file named by the script needs to be read, and one named by scriptFile does not", async () => {
  await using directory = await openDirectory();
  const file = `${directory.path}/hook.sh`;
  await Deno.writeTextFile(file, "echo file", { mode: 0o600 });
  const run = "--allow-run=/bin/sh";
  assert.equal((await runUnder([run, `--allow-read=${file}`], { script: file })).outcome.kind, "ok");
  const asText = await runUnder([run], { script: file });
  assert.equal(asText.outcome.kind === "failed" ? asText.outcome.exitCode : 0, 126);
  assert.equal((await runUnder([run], { scriptFile: file })).outcome.kind, "ok");
});

Deno.test("a TypeScript file needs to run Deno", async () => {
  await using directory = await openDirectory();
  const scriptFile = `${directory.path}/hook.ts`;
  await Deno.writeTextFile(scriptFile, "console.log('typed' satisfies string)");
  const { outcome, lines } = await runUnder([`--allow-run=${Deno.execPath()}`], { scriptFile });
  assert.equal(outcome.kind, "ok");
  assert.deepEqual(lines, ["typed"]);
  assert.equal((await runUnder(["--allow-run=/bin/sh"], { scriptFile })).outcome.kind, "notStarted");
});

Deno.test("text for Deno needs to write to workDir, too", async () => {
  await using directory = await openDirectory();
  const hook = { script: "console.log('text')", exec: Deno.execPath() };
  const run = `--allow-run=${Deno.execPath()}`;
  const { outcome } = await runUnder([run, `--allow-write=${directory.path}`], hook, directory.path);
  assert.equal(outcome.kind, "ok");
  const refused = await runUnder([run], hook, directory.path);
  assert.match(refused.outcome.kind === "notStarted" ? refused.outcome.reason : "", /write access/);
  assert.deepEqual(await namesIn(directory.path), []);
});
