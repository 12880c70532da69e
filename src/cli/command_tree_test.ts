import assert from "node:assert/strict";
import type { ClientNode } from "../client/mod.ts";
import { type Caller, type ClientDefinition, type Command, type CommandInput, DriverClient } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Terminal } from "../terminal.ts";
import { addDrivers } from "./command_tree.ts";
import { CommanderError, createCommand, terminalOutput } from "./program.ts";

const nothing: Command = { name: "go", summary: "Go", run: () => {} };

function definitionOf(commands: ClientDefinition["commands"]): ClientDefinition {
  return { label: "acme.Thing", summary: "A thing", client: DriverClient, commands };
}

function node(
  name: string,
  more: Partial<ClientNode> & { methodDescriptions?: Record<string, string> } = {},
): ClientNode {
  const { children = [], methodDescriptions = {}, ...rest } = more;
  const client = new DriverClient({
    name,
    uuid: name,
    labels: {},
    methodDescriptions,
    children: new Map(),
    caller: {} as Caller,
  });
  return { name, label: "acme.Thing", client, children, ...rest };
}

interface Outcome {
  runs: { command: string; driver: string; input: CommandInput }[];
  out: string;
  err: string;
  error?: unknown;
}

/** Types `words` after a `j` with these drivers. */
async function type(words: string, ...drivers: ClientNode[]): Promise<Outcome> {
  const outcome: Outcome = { runs: [], out: "", err: "" };
  const args = words.split(" ").filter((word) => word !== "");
  const program = createCommand("j");
  await addDrivers(program, "j", node("", { children: drivers }), args, (command, client, input) => {
    outcome.runs.push({ command: command.name, driver: client.link.name, input });
    return Promise.resolve();
  });
  const redirect = (command: typeof program) => {
    command.configureOutput({ writeOut: (text) => outcome.out += text, writeErr: (text) => outcome.err += text });
    for (const sub of command.commands) redirect(sub);
  };
  redirect(program);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    outcome.error = error;
  }
  return outcome;
}

const inputOf = async (words: string, command: Partial<Command>) => {
  const { runs, error } = await type(
    `x go ${words}`,
    node("x", { definition: definitionOf([{ ...nothing, ...command }]) }),
  );
  if (error !== undefined) throw error;
  return runs[0]?.input;
};

const refused = (words: string, command: Partial<Command>, reason: RegExp) =>
  assert.rejects(inputOf(words, command), (error) => error instanceof CommanderError && reason.test(error.message));

Deno.test("a command of a driver, however deep, is run with that driver's client", async () => {
  const definition = definitionOf([nothing]);
  const power = node("power", { definition });
  const rack = node("rack", { definition: definitionOf([]), children: [power] });
  const { runs, error } = await type("rack power go", rack, node("other", { definition }));
  assert.equal(error, undefined);
  assert.deepEqual(runs.map(({ command, driver }) => [command, driver]), [["go", "power"]]);
});

Deno.test("options are what they are declared as, with their defaults", async () => {
  const options = [
    { name: "count", short: "n", type: "integer", default: 1, min: 1, summary: "" },
    { name: "wait-time", type: "number", min: 0, summary: "" },
    { name: "mode", type: "string", choices: ["a", "b"], summary: "" },
    { name: "force", type: "boolean", summary: "" },
  ] as const;
  assert.deepEqual((await inputOf("", { options }))?.options, {
    count: 1,
    "wait-time": undefined,
    mode: undefined,
    force: undefined,
  });
  assert.deepEqual((await inputOf("-n 3 --wait-time .5 --mode b --force", { options }))?.options, {
    count: 3,
    "wait-time": 0.5,
    mode: "b",
    force: true,
  });
  await refused("-n 1.5", { options }, /whole number/);
  await refused("-n 0", { options }, /at least 1/);
  await refused("--wait-time -1", { options }, /at least 0/);
  for (const text of ["x", "NaN", "Infinity", "1e999", "0x"]) {
    await refused(`--wait-time ${text}`, { options }, /a number/);
  }
  await refused("--mode c", { options }, /Allowed choices are a, b/);
  assert.equal((await inputOf("--mode B", { options }))?.options.mode, "b");
  await refused("--forse", { options }, /unknown option .*--forse/s);
});

Deno.test("choices that differ in their case alone are told apart", async () => {
  const options = [{ name: "mode", type: "string", choices: ["a", "A"], summary: "" }] as const;
  for (const mode of ["a", "A"]) assert.equal((await inputOf(`--mode ${mode}`, { options }))?.options.mode, mode);
});

Deno.test("an option whose name begins with no- is one of its own", async () => {
  const options = [
    { name: "output", type: "string", summary: "" },
    { name: "no-output", type: "boolean", summary: "" },
  ] as const;
  const given = async (words: string) => (await inputOf(words, { options }))?.options;
  assert.deepEqual(await given(""), { output: undefined, "no-output": undefined });
  assert.deepEqual(await given("--no-output"), { output: undefined, "no-output": true });
  assert.deepEqual(await given("--output x"), { output: "x", "no-output": undefined });
});

Deno.test("arguments come by their names, the last one with all that is left", async () => {
  const args = [
    { name: "pin", summary: "" },
    { name: "state", summary: "", choices: ["on", "off"] },
    { name: "rest", summary: "", optional: true, variadic: true },
  ];
  assert.deepEqual((await inputOf("7 on", { args }))?.args, { pin: "7", state: "on", rest: [] });
  assert.deepEqual((await inputOf("7 off a b", { args }))?.args, { pin: "7", state: "off", rest: ["a", "b"] });
  await refused("7", { args }, /missing required argument 'state'/);
  await refused("7 maybe", { args }, /Allowed choices are on, off/);
  await refused("surplus", {}, /too many arguments/);
});

Deno.test("what the exporter says of a method replaces the summary", async () => {
  const definition = definitionOf([{ ...nothing, method: "go_now" }, { ...nothing, name: "stay", method: "stay" }]);
  const described = node("x", { definition, methodDescriptions: { go_now: "Close the left relay", stay: "" } });
  const { out } = await type("x --help", described);
  assert.match(out, /go\s+Close the left relay/);
  assert.match(out, /stay\s+Go/, "an empty description says nothing");
});

Deno.test("a driver is shown by the exporter's description, its class's summary, or what is missing", async () => {
  const definition = definitionOf([nothing]);
  const { out } = await type(
    "--help",
    node("first", { definition, description: "The board's relay" }),
    node("second", { definition }),
    node("third", { label: "acme.New" }),
    node("fourth", { label: "" }),
  );
  assert.match(out, /first\s+The board's relay/);
  assert.match(out, /second\s+A thing/);
  assert.match(out, /third .*no client for acme\.New/);
  assert.match(out, /fourth .*no client for a driver without a class label/);
});

Deno.test("a driver without a client says what is missing and what works, whatever is typed after it", async () => {
  const driver = node("new", { label: "acme.New" });
  for (const words of ["new", "new on", "new on --fast -x 3", "new -- a"]) {
    const { error } = await type(`bench ${words}`, node("bench", { children: [driver] }));
    assert.ok(error instanceof JumpstarterError && error.code === "unimplemented", words);
    assert.match(error.message, /"bench\.new": no client for acme\.New/);
    assert.match(error.hint ?? "", /j call bench\.new METHOD/);
  }
});

Deno.test("its help has what the exporter says of its methods, and how they are called", async () => {
  const methodDescriptions = { close: "Close the contact", open: "Open it" };
  const driver = node("new", { label: "acme.New", description: "A relay", methodDescriptions });
  for (const words of ["new --help", "new -h"]) {
    const { error, out, err } = await type(words, driver);
    assert.ok(error instanceof CommanderError && error.exitCode === 0, words);
    assert.match(
      out,
      /A relay\n[^]*no client for acme\.New[^]*j call new METHOD[^]*close +Close the contact\n +open +Open/,
    );
    assert.equal(err, "");
  }
  const { out } = await type("bare --help", node("bare", { label: "acme.New" }));
  assert.match(out, /j call bare METHOD/);
  assert.doesNotMatch(out, /Methods/);
});

Deno.test("a group without a client of its own still leads to its children", async () => {
  const group = node("group", { label: "acme.New", children: [node("x", { definition: definitionOf([nothing]) })] });
  assert.equal((await type("group x go", group)).runs.length, 1);
});

Deno.test("commands that a driver must be asked for are asked for only when it is named", async () => {
  let asked = 0;
  const definition = definitionOf(() => {
    asked++;
    return Promise.resolve([nothing]);
  });
  const drivers = [node("x", { definition }), node("y", { definition })];
  await type("--help", ...drivers);
  assert.equal(asked, 0);
  assert.equal((await type("x go", ...drivers)).runs.length, 1);
  assert.equal(asked, 1);
});

Deno.test("a mistyped driver or command is refused with the near one, and nothing is run", async () => {
  const driver = node("power", { definition: definitionOf([nothing, { ...nothing, name: "cycle" }]) });
  for (const [words, near] of [["pwoer go", "power"], ["power cycel", "cycle"]] as const) {
    const { error, err, runs } = await type(words, driver);
    assert.ok(error instanceof CommanderError);
    assert.match(`${error.message}${err}`, new RegExp(`Did you mean ${near}`));
    assert.equal(runs.length, 0);
  }
});

Deno.test("a child named like a command of its parent is the one that is called", async () => {
  const child = node("go", { definition: definitionOf([nothing]) });
  const parent = node("x", { definition: definitionOf([nothing, { ...nothing, name: "stay" }]), children: [child] });
  const { runs, error } = await type("x go go", parent);
  assert.equal(error, undefined);
  assert.deepEqual(runs.map(({ driver }) => driver), ["go"]);
  assert.deepEqual((await type("x stay", parent)).runs.map(({ driver }) => driver), ["x"]);
});

Deno.test("a name with spaces is one word, and a name that comes twice or is none leaves the others usable", async () => {
  const definition = definitionOf([nothing]);
  const drivers = ["my relay", "his relay", "x", "x", ""].map((name) => node(name, { definition }));
  assert.match((await type("--help", ...drivers)).out, /^ +my relay +A thing\n +his relay +A thing\n +x +A thing\n$/m);
  assert.equal((await type("x go", ...drivers)).runs.length, 1);
});

Deno.test("what an exporter says of its drivers cannot reach the terminal's controls by the help", async () => {
  let written = "";
  const write = (text: string) => {
    written += text;
    return Promise.resolve();
  };
  const facts = { env: {}, out: { isTerminal: true }, err: { isTerminal: true } };
  const terminal = { facts, writeOut: write, writeErr: write } as unknown as Terminal;
  const program = createCommand("j", terminalOutput(terminal));
  const evil = node("x\x1b[2J", { description: "a\x1b]0;title\x07b\x9b1A", definition: definitionOf([]) });
  await addDrivers(program, "j", node("", { children: [evil] }), [], () => Promise.resolve());
  await assert.rejects(program.parseAsync(["--help"], { from: "user" }), CommanderError);
  assert.match(written, /a\\u001b\]0;title\\u0007b\\u009b1A/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(written, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
});

Deno.test("help fits 80 columns beside long names of commands", async () => {
  const argument = { name: "the-path-on-the-exporter", summary: "A path" };
  const summary = "Sign a request that writes a file, for whoever is to make it";
  const definition = definitionOf([{
    ...nothing,
    name: "presign",
    summary,
    args: [argument, { ...argument, name: "here" }],
  }]);
  const { out } = await type("store --help", node("store", { definition }));
  assert.match(out, /presign/);
  assert.deepEqual(out.split("\n").filter((line) => line.length > 80), []);
});
