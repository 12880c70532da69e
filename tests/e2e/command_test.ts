/** `jmp shell -- CMD`: what it passes through, and how it ends. */
import assert from "node:assert/strict";
import { type RunningExporter, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { type Ended, runJmp, startJmp } from "../fixtures/program.ts";

async function openBench(): Promise<AsyncDisposable & { place: Place; exporter: RunningExporter }> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await Place.open());
  const exporter = stack.use(await startExporter(place));
  await exporter.ready();
  const owned = stack.move();
  return { place, exporter, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("jmp shell ends as its command ends", async (t) => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const notExecutable = await place.write("not-executable", "#!/bin/sh\n", 0o644);
  const run = (...command: string[]): Promise<Ended> => runJmp(place, [...exporter.shell, "--", ...command]);
  const sh = (script: string) => ["sh", "-c", script];
  const cases: readonly (readonly [string, readonly string[], number])[] = [
    ["success", ["true"], 0],
    ["the command's own code", sh("exit 7"), 7],
    ["a code that jmp itself has another meaning for", sh("exit 4"), 4],
    ["the highest code", sh("exit 255"), 255],
    ["SIGKILL", sh("kill -KILL $$"), 137],
    ["SIGTERM", sh("kill -TERM $$"), 143],
    ["SIGINT", sh("kill -INT $$"), 130],
    ["SIGSEGV", sh("kill -SEGV $$"), 139],
    // A real-time signal, which Linux alone has.
    ...(Deno.build.os === "linux" ? [["signal 40", sh("kill -40 $$"), 168] as const] : []),
  ];
  for (const [what, command, code] of cases) {
    await t.step(what, async () => {
      const ended = await run(...command);
      assert.deepEqual(ended, { code, signal: null, stdout: "", stderr: "" });
    });
  }
  await t.step("no such command", async () => {
    const { code, stdout, stderr } = await run("no-such-command-here");
    assert.deepEqual({ code, stdout }, { code: 127, stdout: "" });
    assert.equal(stderr, "jmp: no-such-command-here: command not found\n");
  });
  await t.step("no such file", async () => assert.equal((await run(place.path("nothing-here"))).code, 127));
  await t.step("not executable", async () => {
    const { code, stdout, stderr } = await run(notExecutable);
    assert.deepEqual({ code, stdout }, { code: 126, stdout: "" });
    assert.match(stderr, /^jmp: \S*not-executable: cannot be run: [^\n]*ermission denied[^\n]*\n$/);
  });
  const scripts = { absent: "#!/no/such/interpreter -x\n", crlf: "#!/bin/sh\r\necho served\r\n", there: "#!/bin/sh\n" };
  for (const [name, text] of Object.entries(scripts)) await place.write(name, text, name === "there" ? 0o644 : 0o755);
  const env = { PATH: `${place.dir}:${place.env.PATH}` };
  for (const [name, missing] of [["absent", "/no/such/interpreter"], ["crlf", "/bin/sh\\r"]] as const) {
    for (const [how, word] of [["by its path", place.path(name)], ["on the PATH", name]] as const) {
      await t.step(`an interpreter that is not there, ${name} ${how}`, async () => {
        const { code, stderr } = await runJmp(place, [...exporter.shell, "--", word], { env });
        assert.deepEqual([code, stderr], [126, `jmp: ${word}: cannot be run: there is no interpreter "${missing}"\n`]);
      });
    }
  }
  await t.step("a script on the PATH that is not executable", async () => {
    const { code, stderr } = await runJmp(place, [...exporter.shell, "--", "there"], { env });
    assert.deepEqual([code, stderr], [127, "jmp: there: command not found\n"]);
  });
  await t.step("a folder is not executable", async () => assert.equal((await run(place.dir)).code, 126));
  assert.deepEqual(await place.leftFiles().then((files) => files.filter((name) => /shell/.test(name))), []);
});

Deno.test("a SHELL that cannot be started is named as such", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const folder = place.path("home");
  for (
    const [shell, code, says] of [["/bin/bash -l", 127, /: command not found$/], [
      folder,
      126,
      /: cannot be run: ./,
    ]] as const
  ) {
    const ended = await runJmp(place, exporter.shell, { env: { SHELL: shell } });
    assert.equal(ended.code, code);
    assert.ok(ended.stderr.startsWith(`jmp: SHELL=${shell}: `), ended.stderr);
    assert.match(ended.stderr.trimEnd(), says);
  }
});

Deno.test("stdout, stderr and stdin are the command's own", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  // Without a newline at its end, with empty lines, a tab, a terminal's escape and letters of two bytes.
  const text = "a\n\n\tb\x1b[1m\u00fc";
  await using program = startJmp(place, [...exporter.shell, "--", "sh", "-c", "echo aside >&2; cat"]);
  await program.type(text);
  await program.closeInput();
  assert.deepEqual(await program.ended(), { code: 0, signal: null, stdout: text, stderr: "aside\n" });
});

Deno.test("the command's words arrive as they were typed", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const words = ["two words", "", "*", "$HOME", "--help", "-v", "--", "'\""];
  const { stdout } = await runJmp(place, [...exporter.shell, "--", "sh", "-c", `printf '[%s]' "$@"`, "sh", ...words]);
  assert.equal(stdout, words.map((word) => `[${word}]`).join(""));
});

Deno.test("the command learns which exporter it has", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const env = { JMP_GRPC_PASSPHRASE: "x", JMP_LEASE: "of-another", JUMPSTARTER_HOST: "elsewhere:1", KEPT: "yes" };
  const script = "echo $JUMPSTARTER_HOST $JMP_GRPC_INSECURE $JMP_EXPORTER $JMP_DRIVERS_ALLOW $KEPT ${JMP_LEASE-unset}";
  const { stdout } = await runJmp(place, [...exporter.shell, "--", "sh", "-c", script], { env });
  assert.equal(stdout, `${exporter.address} 1 bench UNSAFE yes direct\n`);
  const local = ["shell", "--exporter-config", await writeConfig(place), "--", "sh", "-c", "echo ${JMP_LEASE-unset}"];
  assert.equal((await runJmp(place, local, { env })).stdout, "unset\n");
});

Deno.test("a signal to jmp shell reaches all that its command has started", async (t) => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129], ["SIGINT", 130]] as const) {
    await t.step(signal, async () => {
      // A shell starts its background children deaf to ctrl-C, so these two stand in one pipe instead.
      const script = "echo started; sleep 3123 | sleep 3123";
      await using program = startJmp(place, [...exporter.shell, "--", "sh", "-c", script]);
      await program.seeOut("started");
      const ended = await program.stop(signal);
      assert.deepEqual(ended, { code, signal: null, stdout: "started\n", stderr: "" });
      assert.deepEqual(await place.leftProcesses("sleep"), []);
      assert.deepEqual((await place.leftFiles()).filter((name) => name.includes("shell")), []);
    });
  }
});

Deno.test("a command that catches the signal decides how it ends", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const script = "trap 'echo tidied; exit 5' TERM; echo started; while :; do sleep 0.01; done";
  await using program = startJmp(place, [...exporter.shell, "--", "sh", "-c", script]);
  await program.seeOut("started");
  const { code, stdout } = await program.stop();
  assert.deepEqual({ code, stdout }, { code: 5, stdout: "started\ntidied\n" });
});
