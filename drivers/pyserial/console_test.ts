import assert from "node:assert/strict";
import { openTestTerminal } from "../../tests/fixtures/command_terminal.ts";
import { until } from "../../tests/fixtures/until.ts";
import { PseudoBoard } from "../../tests/fixtures/pseudo_board.ts";
import type { Command, CommandContext } from "../../src/driver/mod.ts";
import { bytes, client, failsWith, serve } from "./bench_test.ts";
import { pySerialClient } from "./client.ts";

const commands = pySerialClient.commands as readonly Command[];
const startConsole = commands.find(({ name }) => name === "start-console") as Command;

/** A terminal at which a test types. */
function openKeyboard() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const interrupted = new AbortController();
  const states: string[] = [];
  const terminal = openTestTerminal({
    isInteractive: true,
    signal: interrupted.signal,
    stdin: new ReadableStream({ start: (own) => void (controller = own) }),
    rawTerminal() {
      states.push("raw");
      return { [Symbol.dispose]: () => void states.push("restored") };
    },
  });
  return {
    terminal,
    states,
    type: (text: string | Uint8Array) => controller?.enqueue(typeof text === "string" ? bytes(text) : text),
    hangUp: () => controller?.close(),
    interrupt: () => interrupted.abort(new Error("interrupted")),
  };
}

function start(bench: Awaited<ReturnType<typeof serve>>, context: CommandContext): Promise<unknown> {
  const running = Promise.resolve(startConsole.run(client(bench), { args: {}, options: {} }, context));
  running.catch(() => {});
  return running;
}

Deno.test("keys go to the port and its bytes to the terminal, until ctrl-B three times", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const { terminal, states, type } = openKeyboard();
  const running = start(bench, terminal.context);
  type("ls\r");
  await board.see("ls\r");
  await board.send("gr\u00fc\u00df \u{1f600}\r\n$ ");
  await until("it is shown", () => terminal.stdout.endsWith("$ "));
  assert.deepEqual(states, ["raw"]);
  type("\x03\x02\x02x\x02");
  await board.see("\x03\x02\x02x\x02");
  type("\x02");
  type("\x02");
  await running;
  assert.deepEqual(states, ["raw", "restored"]);
  assert.equal(terminal.stdout, "gr\u00fc\u00df \u{1f600}\r\n$ ");
  assert.deepEqual(terminal.notices, [
    'Connected to "serial"; press ctrl-B three times to leave',
    '\nLeft "serial"',
  ]);
  await until("the port is closed", () => bench.records.at(-1)?.message.startsWith("closed") === true);
});

Deno.test("what one read has brought is one message, and half a character is as good as a whole one", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const { terminal, type } = openKeyboard();
  const running = start(bench, terminal.context);
  const text = "p\u00e4ste \u20ac ".repeat(300);
  type(text);
  await board.see(text);
  const euro = bytes("\u20ac");
  type(euro.subarray(0, 1));
  type(euro.subarray(1));
  await board.see(`${text}\u20ac`);
  await board.send(euro.subarray(0, 2));
  await board.send(euro.subarray(2));
  await until("it is shown", () => terminal.stdout === "\u20ac");
  type("\x02\x02\x02");
  await running;
});

Deno.test("the terminal is restored also when the other side ends, fails or goes", async () => {
  await using loop = await serve("loop://");
  await using board = await PseudoBoard.open();
  const bench = await serve(board.path);
  // By the other side's end.
  const ended = openKeyboard();
  const ending = start(bench, ended.terminal.context);
  await until("it is connected", () => ended.states.length === 1);
  await client(bench).close();
  await ending;
  assert.deepEqual(ended.states, ["raw", "restored"]);
  assert.equal(ended.terminal.notices.at(-1), '\n"serial" has ended the connection');
  // By a signal.
  const stopped = openKeyboard();
  const stopping = start(loop, stopped.terminal.context);
  await until("it is connected", () => stopped.states.length === 1);
  stopped.interrupt();
  await assert.rejects(stopping, /interrupted/);
  assert.deepEqual(stopped.states, ["raw", "restored"]);
  // By the end of the terminal.
  const hungUp = openKeyboard();
  const hanging = start(loop, hungUp.terminal.context);
  await until("it is connected", () => hungUp.states.length === 1);
  hungUp.hangUp();
  await hanging;
  assert.deepEqual(hungUp.states, ["raw", "restored"]);
  // By a terminal that cannot be written to.
  const broken = openKeyboard();
  const breaking = start(loop, { ...broken.terminal.context, writeOut: () => Promise.reject(new Error("no screen")) });
  broken.type("x");
  await assert.rejects(breaking, /no screen/);
  assert.deepEqual(broken.states, ["raw", "restored"]);
  // By the exporter's.
  const lost = openKeyboard();
  const losing = start(bench, lost.terminal.context);
  await until("it is connected", () => lost.states.length === 1);
  const [outcome] = await Promise.allSettled([losing, bench[Symbol.asyncDispose]()]);
  assert.equal(outcome.status, "rejected");
  assert.deepEqual(lost.states, ["raw", "restored"]);
});

Deno.test("a port that goes away is waited for, and can be left meanwhile", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const { terminal, type } = openKeyboard();
  const running = start(bench, terminal.context);
  type("before\r");
  await board.see("before\r");
  for (let round = 1; round <= 2; round++) {
    await board.unplug();
    await until("it is told", () => terminal.notices.filter((line) => /waiting for it/.test(line)).length === round);
    type("lost");
    await board.plug();
    await until("it is back", () => terminal.notices.filter((line) => line === "it is back").length === round);
    type(`after ${round}\r`);
    await board.see(`after ${round}\r`);
    await board.send(`heard ${round}|`);
    await until("it is shown", () => terminal.stdout.endsWith(`heard ${round}|`));
  }
  assert.doesNotMatch(board.text, /lost/);
  assert.match(terminal.notices[1] ?? "", /^\nthe serial port \S+ broke off: .+; waiting for it to come back$/);
  await board.unplug();
  await until("it is told", () => terminal.notices.filter((line) => /waiting for it/.test(line)).length === 3);
  type("\x02\x02\x02");
  await running;
});

Deno.test("without a port, or without a terminal, nothing is done to the terminal", async () => {
  await using bench = await serve("/dev/no-such-port", { check_present: false });
  const { terminal, states } = openKeyboard();
  await assert.rejects(start(bench, terminal.context), failsWith("unavailable", /^cannot open \/dev\/no-such-port: /));
  assert.deepEqual([states, terminal.notices], [[], []]);
  const piped = openTestTerminal();
  await assert.rejects(start(bench, piped.context), failsWith("usage", /needs a terminal/));
});

Deno.test("a device that takes nothing does not keep its user from leaving", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  board.takes = false;
  const { terminal, type } = openKeyboard();
  const running = start(bench, terminal.context);
  for (let count = 0; count < 50; count++) type(new Uint8Array(64 * 1024));
  type("\x02\x02\x02");
  await running;
});
