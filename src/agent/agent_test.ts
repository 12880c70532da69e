/** Both halves of an agent against each other, over a real socket. */
import assert from "node:assert/strict";
import { type AgentRun, openAgentBench, startByHand } from "../../tests/fixtures/agent.ts";
import { type FakeTerminal, openFakeTerminal } from "../../tests/fixtures/terminal.ts";
import { until } from "../../tests/fixtures/until.ts";

function aborted(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

/** A command that ends when its signal fires, with a word about why. */
const untilAborted: AgentRun = async (_args, terminal) => {
  await terminal.writeOut("begun;");
  await aborted(terminal.signal);
  await terminal.writeErr(terminal.signal.reason.message);
  return terminal.isOutputClosed ? 141 : 130;
};

Deno.test("a command gets the words that were typed, and its exit code comes back", async () => {
  const typed: (readonly string[])[] = [];
  await using bench = await openAgentBench((args) => Promise.resolve(typed.push(args)));
  assert.deepEqual(await bench.type(openFakeTerminal(), "power", "two words", "", "--x=ü"), { kind: "ended", code: 1 });
  assert.deepEqual(await bench.type(openFakeTerminal()), { kind: "ended", code: 2 });
  assert.deepEqual(typed, [["power", "two words", "", "--x=ü"], []]);
});

Deno.test("output of both kinds keeps its order, and nothing is lost at the end", async () => {
  await using bench = await openAgentBench((args, terminal) => {
    for (let turn = 0; turn < 100; turn++) {
      void terminal.writeOut(`${turn};`);
      void terminal.writeErr(args.join(" "));
    }
    return Promise.resolve(7);
  });
  const terminal = openFakeTerminal();
  assert.deepEqual(await bench.type(terminal, "x", "y"), { kind: "ended", code: 7 });
  assert.equal(terminal.written, Array.from({ length: 100 }, (_, turn) => `${turn};(x y)`).join(""));
});

Deno.test("the facts of the terminal are those of who typed", async () => {
  await using bench = await openAgentBench(async (_args, terminal) => {
    await terminal.writeOut(JSON.stringify(terminal.facts));
    return 0;
  });
  const terminal = openFakeTerminal({
    facts: { cwd: "/some where", env: { A: "ü\n" }, isInteractive: true, out: { isTerminal: true, columns: 132 } },
  });
  await bench.type(terminal);
  assert.deepEqual(JSON.parse(terminal.written), terminal.facts);
});

Deno.test("stdin is read as far as the command reads it, and not at all by one that does not", async () => {
  let taken = 0;
  const lines = () =>
    new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(`line ${++taken}\n`));
      },
    }, { highWaterMark: 0 });
  await using bench = await openAgentBench(async ([count], terminal) => {
    const reader = Number(count) > 0 ? terminal.stdin.getReader() : undefined;
    for (let turn = 0; turn < Number(count); turn++) await terminal.writeOut((await reader?.read())?.value ?? "end");
    return 0;
  });
  await bench.type(openFakeTerminal({ stdin: lines() }), "0");
  assert.equal(taken, 0);
  const terminal = openFakeTerminal({ stdin: lines() });
  await bench.type(terminal, "3");
  assert.equal(terminal.written, "line 1\nline 2\nline 3\n");
  assert.equal(taken, 3);
});

Deno.test("the end of stdin arrives, and so does its failure", async () => {
  await using bench = await openAgentBench(async (_args, terminal) => {
    const text = await new Response(terminal.stdin).text().catch((error: Error) => `failed: ${error.message}`);
    await terminal.writeOut(`<${text}>`);
    return 0;
  });
  const ending = openFakeTerminal({ stdin: new Response("all of it").body ?? undefined });
  await bench.type(ending);
  assert.equal(ending.written, "<all of it>");
  const failing = openFakeTerminal({
    stdin: new ReadableStream({ pull: () => Promise.reject(new Error("a directory")) }, { highWaterMark: 0 }),
  });
  await bench.type(failing);
  assert.equal(failing.written, "<failed: a directory>");
});

Deno.test("single key presses are asked for and given back", async () => {
  await using bench = await openAgentBench((_args, terminal) => {
    terminal.setRaw(true);
    terminal.setRaw(false);
    return Promise.resolve(0);
  });
  const terminal = openFakeTerminal();
  await bench.type(terminal);
  assert.deepEqual(terminal.rawChanges, [true, false]);
});

Deno.test("a command goes no faster than its output is read", async () => {
  const piece = new Uint8Array(64 * 1024).fill(65);
  let written = 0;
  await using bench = await openAgentBench(async (_args, terminal) => {
    for (; written < 400 && !terminal.signal.aborted; written++) await terminal.writeOut(piece);
    return 0;
  });
  const reading = Promise.withResolvers<void>();
  const terminal = openFakeTerminal({ read: () => reading.promise });
  const outcome = bench.type(terminal);
  // It comes to rest, far from its end, when the socket takes no more.
  let before = -1;
  for (let quiet = 0; quiet < 20; quiet = written === before ? quiet + 1 : 0) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(written > 0 && written < 100, `${written} pieces were written to who reads nothing`);
  reading.resolve();
  assert.deepEqual(await outcome, { kind: "ended", code: 0 });
  assert.equal(terminal.written.length, 400 * piece.length);
});

for (
  const [what, leave, message, code] of [
    ["ctrl-C", (terminal: FakeTerminal) => terminal.interrupt(), "Interrupted", 130],
    [
      "a reader that leaves",
      (terminal: FakeTerminal) => terminal.closeOutput(),
      "Nobody reads the output any more",
      141,
    ],
  ] as const
) {
  Deno.test(`${what} reaches the command, which ends as it sees fit`, async () => {
    await using bench = await openAgentBench(untilAborted);
    const terminal = openFakeTerminal();
    const outcome = bench.type(terminal);
    await until("the command begins", () => terminal.written === "begun;");
    leave(terminal);
    assert.deepEqual(await outcome, { kind: "ended", code });
    assert.equal(terminal.written, `begun;(${message})`);
  });
}

Deno.test("a user who has given up before the command began is heard", async () => {
  await using bench = await openAgentBench(untilAborted);
  const terminal = openFakeTerminal();
  terminal.interrupt();
  assert.deepEqual(await bench.type(terminal), { kind: "ended", code: 130 });
});

Deno.test("a j that is gone ends its command, whether that listens or not", async () => {
  const gone = Promise.withResolvers<string>();
  await using bench = await openAgentBench(async (_args, terminal, signal) => {
    await terminal.writeOut("begun");
    await aborted(signal);
    gone.resolve(terminal.signal.reason.message);
    await terminal.writeOut("to nobody");
    return 0;
  });
  using connection = await startByHand(bench.path);
  assert.equal((await connection.receive())?.name, "out");
  connection[Symbol.dispose]();
  assert.equal(await gone.promise, "The j that asked for this has gone");
  assert.deepEqual(bench.faults, []);
});

Deno.test("commands run side by side, each on its own terminal", async () => {
  const all = Promise.withResolvers<void>();
  let running = 0;
  await using bench = await openAgentBench(async ([name = ""], terminal) => {
    if (++running === 20) all.resolve();
    await all.promise;
    await terminal.writeOut(`I am ${name}`);
    return Number(name);
  });
  const terminals = Array.from({ length: 20 }, () => openFakeTerminal());
  const outcomes = await Promise.all(terminals.map((terminal, index) => bench.type(terminal, String(index))));
  assert.deepEqual(outcomes, terminals.map((_, code) => ({ kind: "ended", code })));
  assert.deepEqual(terminals.map(({ written }) => written), terminals.map((_, index) => `I am ${index}`));
});

Deno.test("a command that throws leaves the agent to the others", async () => {
  await using bench = await openAgentBench(([fault]) =>
    fault === "throws" ? Promise.reject(new Error("thrown")) : Promise.resolve(0)
  );
  assert.deepEqual(await bench.type(openFakeTerminal(), "throws"), { kind: "lost" });
  assert.deepEqual(await bench.type(openFakeTerminal(), "none"), { kind: "ended", code: 0 });
  assert.deepEqual(bench.faults.map((error) => (error as Error).message), ["thrown"]);
});

Deno.test("the end of an agent ends its commands, and is not held up by one that does not listen", async () => {
  await using bench = await openAgentBench(async ([kind], terminal, gone) => {
    if (kind === "polite") return await untilAborted([], terminal, gone);
    await terminal.writeOut("begun;");
    return await new Promise(() => {});
  });
  const polite = openFakeTerminal(), deaf = openFakeTerminal();
  const outcomes = [bench.type(polite, "polite"), bench.type(deaf, "deaf")];
  await until("both have begun", () => polite.written !== "" && deaf.written !== "");
  await bench.stop();
  assert.deepEqual(await Promise.all(outcomes), [{ kind: "ended", code: 130 }, { kind: "lost" }]);
  assert.equal(polite.written, "begun;(The jmp that this j belongs to has ended)");
});

Deno.test("nobody else can open the socket", async () => {
  await using bench = await openAgentBench(() => Promise.resolve(0));
  assert.equal(((await Deno.stat(bench.path)).mode ?? 0) & 0o777, 0o600);
});
