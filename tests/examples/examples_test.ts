/**
 * Runs what stands in `examples/`, and holds the README's sample of the demo against the demo.
 *
 * @module
 */
import assert from "node:assert/strict";
import { runDeno } from "./run_deno.ts";

const root = new URL("../../", import.meta.url);
const names = (await Array.fromAsync(Deno.readDir(new URL("examples/", root)))).map(({ name }) => name);
const configs = names.filter((name) => name.endsWith(".yaml")).map((name) => `examples/${name}`).sort();

Deno.test("there are examples to test", () => {
  assert.ok(configs.includes("examples/example-direct.yaml"), configs.join(", "));
});

for (const config of configs) {
  Deno.test(`${config} is what jmp run takes`, async () => {
    const { code, stdout, stderr } = await runDeno(["run", "-A", "cli.ts", "config", "check", config]);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.startsWith(`${config}: ok; `), stdout);
  });
}

Deno.test("the demo does what it shows, as the README has it, and leaves nothing behind", async () => {
  const temp = await Deno.makeTempDir({ prefix: "demo-test-" });
  try {
    const { code, stdout, stderr } = await runDeno(["run", "-A", "examples/demo.ts"], { TMPDIR: temp });
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const sample = demoSample(await Deno.readTextFile(new URL("README.md", root)));
    assert.ok(sample.length > 10, "the README shows no sample of the demo");
    const shown = stdout.split("\n").map(withoutAccidents);
    // The exporter's lines and a client's come through two pipes: either may be first. Nothing of them may be made up.
    const missing = sample.filter((line) => !shown.includes(line));
    assert.deepEqual(missing, [], stdout);
    const isCommand = (line: string) => /^[$#]/.test(line);
    assert.deepEqual(sample.filter(isCommand), shown.filter((line) => isCommand(line) && sample.includes(line)));
    assert.deepEqual((await Array.fromAsync(Deno.readDir(temp))).map(({ name }) => name), []);
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
});

Deno.test("a demo that fails says so in one line", async () => {
  // The exporter cannot make its directory.
  const { code, stderr } = await runDeno(["run", "-A", "examples/demo.ts"], { TMPDIR: "/no/such/directory" });
  assert.equal(code, 1);
  assert.match(stderr, /^demo: jmp run ended early, with exit code [1-9]\d*\n$/);
});

Deno.test("the library's example drives an exporter", async () => {
  const shell = [
    "run",
    "-A",
    "cli.ts",
    "shell",
    "--exporter-config",
    "examples/example-direct.yaml",
    "--exporter-logs",
  ];
  const { code, stdout, stderr } = await runDeno([
    ...shell,
    "--",
    Deno.execPath(),
    "test",
    "-A",
    "examples/power_test.ts",
  ]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /1 passed .* 0 failed/);
  // Once by the hook, once by the test.
  assert.equal(stderr.match(/power on$/gm)?.length, 2, stderr);
});

Deno.test("the library's example fails where no exporter is", async () => {
  const env = { JUMPSTARTER_HOST: "/no/such/socket" };
  const { code, stdout } = await runDeno(["test", "-A", "examples/power_test.ts"], env);
  assert.equal(code, 1);
  assert.match(stdout, /Cannot connect to \/no\/such\/socket: no such socket/i);
});

/** The README's sample of the demo's output, without its ellipses and empty lines. */
function demoSample(readme: string): string[] {
  const block = /```text\n([^`]*exporter \|[^`]*)```/.exec(readme)?.[1] ?? "";
  return block.split("\n").filter((line) => line !== "" && line !== "…").map(withoutAccidents);
}

/** A line without what differs from run to run: times and ports. */
function withoutAccidents(line: string): string {
  return line.replace(/\d\d:\d\d:\d\d/, "TIME").replace(/127\.0\.0\.1:[1-9]\d*/, "ADDRESS").replace(/\d+ ms/, "N ms");
}
