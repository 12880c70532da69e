import assert from "node:assert/strict";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import type { Command, CommandContext, CommandInput } from "../../src/driver/mod.ts";
import { type ShellClient, shellClient } from "./client.ts";
import { shell } from "./mod.ts";

/** What a command has written, and the code it has asked for. */
function openTerminal() {
  const decoder = new TextDecoder();
  const terminal = { stdout: "", stderr: "", code: -1 };
  const context: CommandContext = {
    signal: new AbortController().signal,
    stdin: new ReadableStream(),
    isInteractive: false,
    writeOut: (bytes) => void (terminal.stdout += decoder.decode(bytes)),
    writeErr: (bytes) => void (terminal.stderr += decoder.decode(bytes)),
    notice: () => {},
    progress: () => {},
    setExitCode: (code) => void (terminal.code = code),
    rawTerminal: () => undefined,
  };
  return { terminal, context };
}

Deno.test("there is a command for each method, and its exit code is the command's", async () => {
  const config = { methods: { greet: 'echo "$1, $WHO"; echo aside >&2; exit 3', other: "true" } };
  await using bench = await serveLocally(
    { tools: { type: "jumpstarter_driver_shell.driver.Shell", config } },
    [shell],
  );
  const client = bench.exporter.driver("tools") as ShellClient;
  assert.equal(typeof shellClient.commands, "function");
  const commands = typeof shellClient.commands === "function" ? await shellClient.commands(client) : [];
  assert.deepEqual(commands.map(({ name, method, passThrough }) => [name, method, passThrough]), [
    ["greet", "greet", true],
    ["other", "other", true],
  ]);
  const [greet] = commands as [Command, Command];
  const run = async (input: CommandInput) => {
    const { terminal, context } = openTerminal();
    await greet.run(client, input, context);
    return terminal;
  };
  const said = await run({ args: { args: ["Hello there"] }, options: { env: ["WHO=a=b", "X="] } });
  assert.deepEqual(said, { stdout: "Hello there, a=b\n", stderr: "aside\n", code: 3 });
  assert.equal((await run({ args: {}, options: {} })).stdout, ", \n");
  for (const word of ["WHO", "=x"]) {
    await assert.rejects(
      run({ args: {}, options: { env: [word] } }),
      new RegExp(`^JumpstarterError: "${word}" sets no`),
    );
  }
});
