import assert from "node:assert/strict";
import { openTestTerminal } from "../../tests/fixtures/command_terminal.ts";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { call, type Command, type CommandInput, defineDriver, type DriverPackage } from "../../src/driver/mod.ts";
import { type ShellClient, shellClient } from "./client.ts";
import { shell } from "./mod.ts";

Deno.test("there is a command for each method, and its exit code is the command's", async () => {
  const config = { methods: { greet: 'echo "$1, $WHO"; echo aside >&2; exit 3', other: "true" } };
  await using bench = await serveLocally(
    { tools: { type: "jumpstarter_driver_shell.driver.Shell", config } },
    [shell],
  );
  const client = bench.exporter.driver("tools") as ShellClient;
  const commands = await commandsOf(client);
  assert.deepEqual(commands.map(({ name, method, passThrough }) => [name, method, passThrough]), [
    ["greet", "greet", true],
    ["other", "other", true],
  ]);
  const [greet] = commands as [Command, Command];
  const run = async (input: CommandInput) => {
    const terminal = openTestTerminal();
    await greet.run(client, input, terminal.context);
    const { stdout, stderr, code } = terminal;
    return { stdout, stderr, code };
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

Deno.test("as JSON, each piece of output is an object, and the exit code is the last", async () => {
  const config = {
    methods: { talk: 'echo "$1"; echo aside >&2; sleep 0.2; printf "{}"; exit 3', killed: "kill -9 $$" },
  };
  await using bench = await serveLocally(
    { tools: { type: "jumpstarter_driver_shell.driver.Shell", config } },
    [shell],
  );
  const client = bench.exporter.driver("tools") as ShellClient;
  const [talk, killed] = await commandsOf(client);
  const run = async (command: Command | undefined, words: string[]) => {
    const terminal = openTestTerminal({ wantsJson: true });
    const result = await command?.run(client, { args: { args: words }, options: {} }, terminal.context);
    const lines = terminal.stdout.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    return { lines, result, stderr: terminal.stderr, code: terminal.code };
  };
  const { lines, ...end } = await run(talk, ["two\nlines"]);
  assert.deepEqual(end, { result: { exitCode: 3 }, stderr: "", code: 3 });
  const textOf = (name: string) => lines.map((line) => line[name] ?? "").join("");
  assert.deepEqual([textOf("stdout"), textOf("stderr")], ["two\nlines\n{}", "aside\n"]);
  assert.ok(lines.every((line) => Object.keys(line).length === 1), JSON.stringify(lines));
  assert.deepEqual(await run(killed, []), { lines: [], result: { exitCode: 137 }, stderr: "", code: 137 });
});

Deno.test("a name that an exporter does not have as a text is left out, and hides no other", async () => {
  const names = defineDriver({
    type: "test.Names",
    client: "jumpstarter_driver_shell.client.ShellClient",
    summary: "Names as YAML 1.1 reads them",
    start: () => null,
    methods: { get_methods: call({ run: () => ["hi", true, 1, null, "bye"] }) },
  });
  const drivers: DriverPackage = { ...shell, drivers: { "test.Names": () => Promise.resolve(names) } };
  await using bench = await serveLocally({ tools: { type: "test.Names" } }, [drivers]);
  const client = bench.exporter.driver("tools") as ShellClient;
  assert.deepEqual(await client.methods(), ["hi", "bye"]);
  assert.deepEqual((await commandsOf(client)).map(({ name }) => name), ["hi", "bye"]);
});

async function commandsOf(client: ShellClient): Promise<readonly Command[]> {
  assert.equal(typeof shellClient.commands, "function");
  return typeof shellClient.commands === "function" ? await shellClient.commands(client) : [];
}
