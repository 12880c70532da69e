import assert from "node:assert/strict";
import { openTestTerminal } from "../../tests/fixtures/command_terminal.ts";
import { until } from "../../tests/fixtures/until.ts";
import { PseudoBoard } from "../../tests/fixtures/pseudo_board.ts";
import type { Command, CommandContext, CommandInput } from "../../src/driver/mod.ts";
import { bytes, client, failsWith, serve } from "./bench_test.ts";
import { pySerialClient } from "./client.ts";
import { parsePipeOptions } from "./pipe.ts";

const commands = pySerialClient.commands as readonly Command[];
const pipe = commands.find(({ name }) => name === "pipe") as Command;

/** Input that a test types, and ends. */
function openInput() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stdin = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own) });
  return { stdin, type: (text: string) => controller?.enqueue(bytes(text)), end: () => controller?.close() };
}

/** Starts `pipe` on a terminal; ctrl-C is `interrupt`. */
function startPipe(
  bench: Awaited<ReturnType<typeof serve>>,
  options: CommandInput["options"],
  facts: Partial<CommandContext> = {},
) {
  const interrupted = new AbortController();
  const terminal = openTestTerminal({ signal: interrupted.signal, ...facts });
  const running = Promise.resolve(pipe.run(client(bench), { args: {}, options }, terminal.context));
  running.catch(() => {});
  return { terminal, running, interrupt: () => interrupted.abort(new Error("interrupted")) };
}

Deno.test("what the port sends is written as it is, until ctrl-C, which is a good end", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const { terminal, running, interrupt } = startPipe(bench, {}, { isInteractive: true });
  await until("it is connected", () => bench.records.some(({ message }) => message.startsWith("opened")));
  await board.send("gr\u00fc\u00df\r\n");
  await until("it is written", () => terminal.stdout.endsWith("\n"));
  interrupt();
  await running;
  assert.equal(terminal.stdout, "gr\u00fc\u00df\r\n");
  assert.deepEqual(terminal.notices, ["reading the port; ctrl-C ends this"]);
  assert.equal(board.text, "");
});

Deno.test("what is piped in is sent, and its end leaves the port talking", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const input = openInput();
  const { terminal, running, interrupt } = startPipe(bench, {}, { stdin: input.stdin });
  input.type("help\n");
  await board.see("help\n");
  input.end();
  await board.send("no help\n");
  await until("it is written", () => terminal.stdout === "no help\n");
  assert.deepEqual(terminal.notices, ["reading the port and sending it standard input; ctrl-C ends this"]);
  interrupt();
  await running;
});

Deno.test("a port that closes ends it, and one that breaks is an error", async () => {
  await using loop = await serve("loop://");
  const input = openInput();
  const { terminal, running } = startPipe(loop, {}, { stdin: input.stdin });
  input.type("echo");
  input.end();
  await running;
  assert.equal(terminal.stdout, "echo");
  assert.equal(terminal.notices.at(-1), "the port has closed the connection");
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const broken = startPipe(bench, {}, { isInteractive: true });
  await until("it is connected", () => bench.records.some(({ message }) => message.startsWith("opened")));
  await board.unplug();
  await assert.rejects(broken.running, failsWith("unavailable", /broke off/));
  await assert.rejects(startPipe(bench, {}, { isInteractive: true }).running, failsWith("unavailable", /cannot open/));
});

Deno.test("a file is replaced or added to, where the user is, and not touched when there is no port", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const cwd = await Deno.makeTempDir();
  await using _cwd = { [Symbol.asyncDispose]: () => Deno.remove(cwd, { recursive: true }) };
  const log = `${cwd}/serial.log`;
  const run = async (options: CommandInput["options"], text: string, expected: string) => {
    const { running, interrupt, terminal } = startPipe(bench, options, { isInteractive: true, cwd });
    const opened = bench.records.length;
    await until(
      "it is connected",
      () => bench.records.slice(opened - 1).some(({ message }) => /^opened/.test(message)),
    );
    await board.send(text);
    await until("it is in the file", async () => await Deno.readTextFile(log).catch(() => "") === expected);
    interrupt();
    await running;
    await until("the port is closed", () => bench.records.at(-1)?.message.startsWith("closed") === true);
    assert.equal(terminal.stdout, "");
    assert.equal(terminal.notices[0], 'reading the port into "serial.log"; ctrl-C ends this');
  };
  await run({ output: "serial.log" }, "one\n", "one\n");
  await run({ output: "serial.log", append: true }, "two\n", "one\ntwo\n");
  await run({ output: "serial.log" }, "three\n", "three\n");
  const fails = (output: string, message: RegExp) =>
    assert.rejects(startPipe(bench, { output }, { cwd }).running, failsWith("config", message));
  await fails("no/such/dir.log", /^cannot write "no\/such\/dir\.log": there is no such directory$/);
  await fails(".", /^cannot write "\.": it is a directory$/);
  await board.unplug();
  await assert.rejects(startPipe(bench, { output: "serial.log" }, { cwd }).running, failsWith("unavailable"));
  assert.equal(await Deno.readTextFile(log), "three\n");
});

Deno.test("without output it ends when all is sent, and says when it is not", async () => {
  await using board = await PseudoBoard.open();
  await using bench = await serve(board.path);
  const text = "0123456789".repeat(10_000);
  const sent = startPipe(bench, { "no-output": true }, { stdin: ReadableStream.from([bytes(text)]) });
  await sent.running;
  await board.see(text);
  assert.deepEqual(sent.terminal.notices, ["sending standard input to the port"]);
  const cut = startPipe(bench, { "no-output": true }, { stdin: new ReadableStream() });
  await until("it is connected", () => bench.records.filter(({ message }) => /^opened/.test(message)).length === 2);
  cut.interrupt();
  await assert.rejects(cut.running);
});

Deno.test("options that contradict each other are refused", () => {
  const parse = (options: CommandInput["options"], isInteractive = false) =>
    parsePipeOptions(options, { isInteractive });
  const refused = (options: CommandInput["options"], message: RegExp, isInteractive = false) =>
    assert.throws(() => parse(options, isInteractive), failsWith("usage", message));
  refused({ input: true, "no-input": true }, /--input and --no-input/);
  refused({ "no-output": true, output: "x" }, /--no-output and --output/);
  refused({ "no-output": true, append: true }, /--no-output and --append/);
  refused({ append: true }, /--append needs --output/);
  refused({ "no-output": true }, /something to send/, true);
  refused({ "no-output": true, "no-input": true }, /something to send/);
  const inputs = [[{}, false], [{}, true], [{ input: true }, true], [{ "no-input": true }, false]] as const;
  assert.deepEqual(inputs.map(([options, isInteractive]) => parse(options, isInteractive).hasInput), [
    true,
    false,
    true,
    false,
  ]);
});
