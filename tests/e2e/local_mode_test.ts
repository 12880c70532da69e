/** `jmp shell --exporter-config FILE`: exporter and client in one process. */
import assert from "node:assert/strict";
import { exampleConfig, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

/** Looks that neither a process nor a file is left. */
async function nothingIsLeft(place: Place): Promise<void> {
  assert.deepEqual(await place.leftProcesses(), []);
  assert.deepEqual(await place.leftFiles(), []);
}

Deno.test("the example runs in one process, with its hooks around the command", async () => {
  await using place = await Place.open();
  const words = ["shell", "--exporter-config", exampleConfig, "--", "j", "power", "read"];
  const { code, stdout, stderr } = await runJmp(place, words);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "0 V  0 A  0 W\n5 V  2 A  10 W\n" });
  assert.match(stderr, /\[beforeLease\] Exporter ready\n/);
  await nothingIsLeft(place);
});

Deno.test("each hook's lines are shown once, in order, and the command's code passes through", async () => {
  await using place = await Place.open();
  const hooks = {
    beforeLease: { script: "echo first; j power on" },
    afterLease: { script: "j power off; echo last: $JMP_BEFORE_LEASE" },
  };
  const file = await writeConfig(place, { name: "lab", hooks });
  const script = 'echo "in $JMP_EXPORTER"; echo aside >&2; test -S "$JUMPSTARTER_HOST" && j power on && exit 7';
  const words = ["shell", "--exporter-config", file, "--", "sh", "-c", script];
  const { code, stdout, stderr } = await runJmp(place, words);
  assert.deepEqual({ code, stdout }, { code: 7, stdout: "in lab\n" });
  const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("Waiting for the exporter: "));
  assert.deepEqual(lines, ["[beforeLease] first", "aside", "[afterLease] last: ok"]);
  await nothingIsLeft(place);
});

Deno.test("a hook that fails and may is told after its lines, and nothing is said of a short wait", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, { hooks: { beforeLease: { script: "echo oops; exit 3", onFailure: "warn" } } });
  const { code, stderr } = await runJmp(place, ["shell", "--exporter-config", file, "--", "true"]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "[beforeLease] oops\nWarning: beforeLease hook failed with exit code 3\n");
});

Deno.test("the command's code passes through also when it has swept the temporary files away", async () => {
  await using place = await Place.open();
  const script = 'test -S "$JUMPSTARTER_HOST" && rm -r "${JUMPSTARTER_HOST%/jumpstarter-*}"/jumpstarter-*; exit 7';
  const words = ["shell", "--exporter-config", await writeConfig(place), "--", "sh", "-c", script];
  const { code, stderr } = await runJmp(place, words);
  assert.equal(code, 7, stderr);
  await nothingIsLeft(place);
});

Deno.test("afterLease runs also when the command cannot be run", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, { hooks: { afterLease: { script: "echo tidied" } } });
  const { code, stderr } = await runJmp(place, ["shell", "--exporter-config", file, "--", "no-such-command"]);
  assert.deepEqual({ code, stderr }, {
    code: 127,
    stderr: "jmp: no-such-command: command not found\n[afterLease] tidied\n",
  });
  await nothingIsLeft(place);
});

for (const onFailure of ["exit", "endLease"] as const) {
  Deno.test(`a beforeLease that fails (${onFailure}) ends with 6, and the command does not run`, async () => {
    await using place = await Place.open();
    const hooks = {
      beforeLease: { script: "echo no bench; exit 3", onFailure },
      afterLease: { script: "echo must not run" },
    };
    const file = await writeConfig(place, { hooks });
    const { code, stdout, stderr } = await runJmp(place, ["shell", "--exporter-config", file, "--", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 6, stdout: "" }, stderr);
    assert.match(stderr, /\[beforeLease\] no bench\n/);
    assert.match(stderr, /jmp: beforeLease hook failed with exit code 3\n {2}its last line was: no bench\n$/);
    assert.doesNotMatch(stderr, /must not run/);
    await nothingIsLeft(place);
  });
}

Deno.test("an afterLease that fails and must not is an exit code of its own, and keeps nobody waiting", async () => {
  await using place = await Place.open();
  const tookMs: number[] = [];
  for (const [onFailure, wanted] of [["warn", 0], ["exit", 6]] as const) {
    const file = await writeConfig(place, { hooks: { afterLease: { script: "exit 3", onFailure } } });
    const begun = performance.now();
    const { code, stdout } = await runJmp(place, ["shell", "--exporter-config", file, "--", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: wanted, stdout: "ran\n" });
    tookMs.push(performance.now() - begun);
  }
  const [warned = 0, failed = 0] = tookMs;
  assert.ok(failed < warned + 4_000, `${tookMs} ms`); // a client that is still there is waited for, 5 s at most
  await nothingIsLeft(place);
});

Deno.test("SIGTERM reaches the command, and afterLease still runs", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, { hooks: { afterLease: { script: "echo tidied" } } });
  const words = ["shell", "--exporter-config", file, "--", "sh", "-c", "echo begun; sleep 3128 | sleep 3128"];
  await using program = startJmp(place, words);
  await program.seeOut("begun");
  const { code, stderr } = await program.stop();
  assert.deepEqual({ code, stderr }, { code: 143, stderr: "[afterLease] tidied\n" });
  await nothingIsLeft(place);
});

for (const [signal, wanted] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test(`${signal} while beforeLease runs ends that hook, and the command does not run`, async () => {
    await using place = await Place.open();
    const hooks = {
      beforeLease: { script: "echo begun; sleep 3129", timeout: 3600 },
      afterLease: { script: "echo tidied after: $JMP_BEFORE_LEASE" },
    };
    const file = await writeConfig(place, { hooks });
    await using program = startJmp(place, ["shell", "--exporter-config", file, "--", "echo", "ran"]);
    await program.seeErr("[beforeLease] begun\n");
    const { code, stdout, stderr } = await program.stop(signal);
    assert.deepEqual({ code, stdout }, { code: wanted, stdout: "" }, stderr);
    assert.match(stderr, /\[afterLease\] tidied after: interrupted\n/);
    await nothingIsLeft(place);
  });
}

Deno.test("a second signal ends a long afterLease", async () => {
  await using place = await Place.open();
  const hooks = { afterLease: { script: "echo tidying; sleep 3130", timeout: 3600 } };
  const file = await writeConfig(place, { hooks });
  await using program = startJmp(place, ["shell", "--exporter-config", file, "--", "true"]);
  await program.seeErr("[afterLease] tidying\n");
  program.signal("SIGINT");
  await program.stop("SIGINT");
  await nothingIsLeft(place);
});

Deno.test("a config with mistakes starts nothing", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, { export: { power: { type: "no.such.Driver" } } });
  const { code, stderr } = await runJmp(place, ["shell", "--exporter-config", file, "--", "true"]);
  assert.equal(code, 3);
  assert.match(stderr, /exporter\.yaml:\d+:\d+: unknown driver type "no\.such\.Driver"/);
  await nothingIsLeft(place);
});

Deno.test("a hook that does not heed SIGTERM in time is killed, and an option says in what time", async () => {
  await using place = await Place.open();
  const script = `trap 'sleep 2; echo late; exit' TERM; echo begun; while :; do sleep 0.01; done`;
  const file = await writeConfig(place, { hooks: { beforeLease: { script, timeout: 1 } } });
  for (const [grace, isKilled] of [["0.1", true], ["60", false]] as const) {
    const words = ["shell", "--exporter-config", file, "--hook-kill-grace", grace, "--", "echo", "ran"];
    const { code, stdout, stderr } = await runJmp(place, words);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" }, stderr);
    assert.match(stderr, /Warning: beforeLease hook timed out after 1 s and was stopped/);
    assert.equal(/\[beforeLease\] late/.test(stderr), !isKilled, stderr);
    await nothingIsLeft(place);
  }
});
