import assert from "node:assert/strict";
import { type LocalExporter, serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { until } from "../../tests/fixtures/until.ts";
import type { JumpstarterError } from "../../src/errors.ts";
import { ShellClient } from "./client.ts";
import { shell } from "./mod.ts";

const type = "jumpstarter_driver_shell.driver.Shell";

const serve = (methods: Readonly<Record<string, unknown>>, more: object = {}): Promise<LocalExporter> =>
  serveLocally({ tools: { type, config: { methods, ...more } } }, [shell]);

const client = (bench: LocalExporter) => bench.exporter.driver("tools", ShellClient);

/** Runs a method, and keeps what it writes. */
async function run(bench: LocalExporter, method: string, args: string[] = [], env: Record<string, string> = {}) {
  let stdout = "", stderr = "";
  const code = await client(bench).run(method, args, {
    env,
    onStdout: (text) => stdout += text,
    onStderr: (text) => stderr += text,
  });
  return { code, stdout, stderr };
}

const fails = (promise: Promise<unknown>, code: string, message: RegExp) =>
  assert.rejects(promise, (error: JumpstarterError) => {
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });

/** Whether a process lives; one that only waits to be reaped does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** A script that tells its own process and one that it starts, neither of which ends by itself. */
const hanging = 'sleep 1000 & echo "$$ $!"; wait';

/** Collects the pids that such a script tells. */
function pidWatch() {
  let text = "";
  const told = Promise.withResolvers<number[]>();
  return {
    pids: told.promise,
    onStdout(piece: string) {
      text += piece;
      if (text.includes("\n")) told.resolve(text.trim().split(" ").map(Number));
    },
  };
}

const areGone = (pids: readonly number[]) =>
  until(`${pids.join(" and ")} are gone`, () => !pids.some((pid) => isAlive(pid)));

Deno.test("output, exit code, arguments and variables", async () => {
  await using bench = await serve({
    both: "echo out; echo err >&2",
    args: 'for arg in "$0" "$@"; do echo "[$arg]"; done',
    env: 'printf "%s" "$GREETING-$OTHER"',
    exit: 'exit "$1"',
    killed: "kill -KILL $$",
    silent: "true",
  });
  assert.deepEqual(await run(bench, "both"), { code: 0, stdout: "out\n", stderr: "err\n" });
  const args = ["two words", "", "--env", "it's", "$HOME", "gr\u00fc\u00df", "-x"];
  assert.equal((await run(bench, "args", args)).stdout, ["args", ...args].map((arg) => `[${arg}]\n`).join(""));
  const env = { GREETING: "a=b c", OTHER: "\u20ac\n" };
  assert.equal((await run(bench, "env", [], env)).stdout, "a=b c-\u20ac\n");
  for (const code of [0, 1, 42, 199, 255]) assert.equal((await run(bench, "exit", [String(code)])).code, code);
  assert.equal((await run(bench, "killed")).code, 137);
  assert.deepEqual(await run(bench, "silent"), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(await client(bench).methods(), ["both", "args", "env", "exit", "killed", "silent"]);
});

Deno.test("on the wire, pieces of output come without a code, and the last has one", async () => {
  await using bench = await serve({
    m: "echo out; exit 3",
    killed: "kill -TERM $$",
    killedInRealTime: "kill -40 $$",
  });
  const pieces = (name: string) => Array.fromAsync(client(bench).callStream("call_method", [name, null]));
  assert.deepEqual(await pieces("m"), [["out\n", "", null], ["", "", 3]]);
  assert.deepEqual(await pieces("killed"), [["", "", -15]]);
  // Linux alone has real-time signals.
  if (Deno.build.os === "linux") assert.deepEqual(await pieces("killedInRealTime"), [["", "", -40]]);
});

Deno.test("output comes as it is written", async () => {
  await using bench = await serve({ steps: 'echo one; while [ ! -e "$1" ]; do sleep 0.01; done; echo two' });
  const flag = await Deno.makeTempFile();
  await Deno.remove(flag);
  const seen: string[] = [];
  const steps = [() => Deno.writeTextFile(flag, ""), () => Promise.resolve()];
  const stepped: Promise<void>[] = [];
  const code = await client(bench).run("steps", [flag], {
    onStdout(text) {
      seen.push(text);
      stepped.push(...steps.splice(0, 1).map((step) => step()));
    },
  });
  await Promise.all(stepped);
  await Deno.remove(flag);
  assert.deepEqual({ code, seen }, { code: 0, seen: ["one\n", "two\n"] });
});

Deno.test("5 MB come whole, in whole characters, and in no time", async () => {
  const line = "\u00e4\u20ac\u{1f600} ".repeat(10); // 100 bytes
  await using bench = await serve({ cat: 'cat "$1"' });
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, line.repeat(50_000));
  const startedAt = performance.now();
  const { code, stdout } = await run(bench, "cat", [file]);
  const tookMs = performance.now() - startedAt;
  await Deno.remove(file);
  assert.equal(code, 0);
  assert.ok(stdout === line.repeat(50_000), "the text is not what was written");
  assert.ok(tookMs < 5_000, `it took ${tookMs} ms`);
});

Deno.test("a character that comes in pieces is one character, and half of one is told as such", async () => {
  await using bench = await serve({
    split: String.raw`printf '\xe2'; sleep 0.1; printf '\x82' ; sleep 0.1; printf '\xac|'`,
    broken: String.raw`printf 'a\xe2\x82'; printf '\xff' >&2`,
  });
  assert.equal((await run(bench, "split")).stdout, "\u20ac|");
  assert.deepEqual(await run(bench, "broken"), { code: 0, stdout: "a\ufffd", stderr: "\ufffd" });
});

Deno.test("a time-out ends the whole group, with code 199 and a word", async () => {
  await using bench = await serve({
    hang: { command: hanging, timeout: 1 },
    deaf: { command: `trap "echo not yet; exit" TERM; echo started; while :; do sleep 0.02; done`, timeout: 1 },
    quick: "true",
  });
  const watch = pidWatch();
  let stderr = "";
  const code = await client(bench).run("hang", [], { onStdout: watch.onStdout, onStderr: (text) => stderr += text });
  assert.equal(code, 199);
  assert.equal(stderr, '\n"hang" took longer than 1 s and was stopped\n');
  const pids = await watch.pids;
  assert.equal(pids.length, 2);
  assert.deepEqual(pids.filter(isAlive), []);
  // What a script says while it is being stopped still comes.
  const deaf = await run(bench, "deaf");
  assert.equal(deaf.code, 199);
  assert.equal(deaf.stdout, "started\nnot yet\n");
  assert.equal((await run(bench, "quick")).code, 0);
});

Deno.test("giving up ends the whole group, however that is done", async () => {
  await using bench = await serve({ hang: hanging });
  const stopping = new AbortController();
  const watch = pidWatch();
  const running = client(bench).run("hang", [], { onStdout: watch.onStdout, signal: stopping.signal });
  const pids = await watch.pids;
  stopping.abort();
  await fails(running, "cancelled", /./);
  await areGone(pids);
  // By leaving the loop.
  const more = pidWatch();
  for await (const piece of client(bench).callStream("call_method", ["hang", {}])) {
    more.onStdout(String((piece as string[])[0]));
    break;
  }
  await areGone(await more.pids);
});

Deno.test("scripts run at the same time, and each ends with its own call", async () => {
  await using bench = await serve({ hang: hanging, quick: "echo done" });
  const hang = () => {
    const stopping = new AbortController();
    const { pids, onStdout } = pidWatch();
    const running = client(bench).run("hang", [], { onStdout, signal: stopping.signal, timeoutMs: 30_000 });
    return { running, pids: Promise.race([pids, running.then(() => [])]), stop: () => stopping.abort() };
  };
  const first = hang(), second = hang();
  const [kept, ended] = await Promise.all([first.pids, second.pids]);
  assert.equal((await run(bench, "quick")).stdout, "done\n");
  second.stop();
  await fails(second.running, "cancelled", /./);
  await areGone(ended);
  assert.deepEqual(kept.filter(isAlive), kept);
  first.stop();
  await fails(first.running, "cancelled", /./);
  await areGone(kept);
});

Deno.test("a call that runs out of time ends the group", async () => {
  await using bench = await serve({ hang: hanging });
  const watch = pidWatch();
  const running = client(bench).run("hang", [], { onStdout: watch.onStdout, timeoutMs: 500 });
  await fails(running, "timeout", /./);
  await areGone(await watch.pids);
});

Deno.test("an exporter that stops waits until its scripts are gone", async () => {
  // It takes its time to end.
  const bench = await serve({ hang: `trap "sleep 0.5; exit" TERM; ${hanging}` });
  const watch = pidWatch();
  const running = client(bench).run("hang", [], { onStdout: watch.onStdout });
  const pids = await watch.pids;
  const [outcome] = await Promise.allSettled([running, bench.stop()]);
  assert.equal(outcome.status, "rejected");
  assert.deepEqual(pids.filter(isAlive), []);
  await bench[Symbol.asyncDispose]();
});

Deno.test("what a script leaves in the background is heard out, and ended with the call", async () => {
  await using bench = await serve({
    leave: "sleep 1000 & echo $!",
    late: "(sleep 0.1; echo late) & echo early",
    chatter: "yes & echo $! >&2",
  });
  const left = await run(bench, "leave");
  assert.equal(left.code, 0);
  assert.equal(isAlive(Number(left.stdout)), false);
  assert.equal((await run(bench, "late")).stdout, "early\nlate\n");
  const chatter = await run(bench, "chatter");
  assert.equal(chatter.code, 0);
  assert.equal(isAlive(Number(chatter.stderr)), false);
});

Deno.test("what a client may not do is refused before anything runs", async () => {
  await using bench = await serve({ m: "echo ran" });
  for (
    const name of ["PATH", "HOME", "LD_PRELOAD", "LD_ANYTHING", "BASH_ENV", "BASH_FUNC_x", "PYTHONPATH", "KUBECONFIG"]
  ) {
    await fails(run(bench, "m", [], { [name]: "x" }), "invalid_argument", new RegExp(`"${name}" is not for clients`));
  }
  for (const name of ["", "1A", "A-B", "A=B", "A B"]) {
    await fails(run(bench, "m", [], { [name]: "x" }), "invalid_argument", /cannot be the name/);
  }
  await fails(run(bench, "nothing"), "invalid_argument", /^there is no method "nothing"; there are: m$/);
  await fails(run(bench, "constructor"), "invalid_argument", /there is no method "constructor"/);
  await fails(run(bench, "m", ["a\0b"]), "invalid_argument", /NUL/);
  const raw = (...args: Parameters<typeof JSON.stringify>[0][]) => client(bench).call("call_method", args);
  await fails(raw("m", {}), "not_found", /streaming call/);
  const streamed = (args: unknown[]) => Array.fromAsync(client(bench).callStream("call_method", args as never));
  await fails(streamed(["m", { A: 1 }]), "invalid_argument", /./);
  await fails(streamed(["m", {}, 1]), "invalid_argument", /./);
  await fails(streamed(["m"]), "invalid_argument", /./);
  assert.deepEqual(await run(bench, "m", [], { "\u00e4_1": "x" }), { code: 0, stdout: "ran\n", stderr: "" });
});

Deno.test("where and by what scripts run is the config's to say", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  await using there = await serve({ pwd: "pwd" }, { cwd: dir, shell: ["sh", "-e", "-c"] });
  assert.equal((await run(there, "pwd")).stdout, `${dir}\n`);
  await Deno.remove(dir);
  await fails(run(there, "pwd"), "invalid_argument", /^there is no directory/);
  await using none = await serve({ m: "true" }, { shell: ["/no/such/shell"] });
  await fails(run(none, "m"), "io", /^cannot start "\/no\/such\/shell": there is no such program$/);
});

Deno.test("null is as good as nothing where the Python implementation says so", async () => {
  await using bench = await serve({ where: { command: "pwd", timeout: null } }, { cwd: null, timeout: 30 });
  assert.deepEqual(await run(bench, "where"), { code: 0, stdout: `${Deno.cwd()}\n`, stderr: "" });
});

Deno.test("descriptions of methods are reported, and the passphrase is not a script's business", async () => {
  Deno.env.set("JMP_GRPC_PASSPHRASE", "secret");
  try {
    await using bench = await serve({
      flash: { command: "echo ${JMP_GRPC_PASSPHRASE-none}", description: "Write the firmware" },
      plain: "true",
      nothing: { timeout: 3 },
    });
    assert.deepEqual(client(bench).link.methodDescriptions, { flash: "Write the firmware" });
    assert.equal((await run(bench, "flash")).stdout, "none\n");
    assert.equal((await run(bench, "nothing")).stdout, "Hello\n");
  } finally {
    Deno.env.delete("JMP_GRPC_PASSPHRASE");
  }
});

Deno.test("a config that makes no sense is refused with its place", async () => {
  const refused = (methods: Readonly<Record<string, unknown>>, message: RegExp, more: object = {}) =>
    fails(serve(methods, more), "config", message);
  await refused({ m: "  " }, /empty/);
  await refused({ m: 3 }, /./);
  await refused({ m: { comand: "true" } }, /comand/);
  await refused({ m: "true" }, /./, { timeout: 0 });
  await refused({ m: "true" }, /./, { shell: [] });
});
