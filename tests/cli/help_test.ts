/** The help texts and the version. */
import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { exampleConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

/** Command lines, and what their help must speak of: every option in the README's words, and every command. */
const helps: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["--help"], ["--version", "--log-level", "--verbose", "run ", "shell ", "inspect", "config", "j ", "version"]],
  [["run", "--help"], [
    "--exporter-config <file>",
    "--exporter <alias>",
    "--tls-grpc-listener",
    "--tls-grpc-insecure",
    "--tls-cert <file>",
    "--tls-key <file>",
    "--passphrase",
    "--log-format",
    "--log-level",
    "-v, --verbose",
  ]],
  [["shell", "--help"], [
    "--tls-grpc <host:port>",
    "--tls-grpc-insecure",
    "--tls-ca <file>",
    "--passphrase",
    "--exporter-config <file>",
    "--exporter <alias>",
    "--exporter-logs",
    "--ready-timeout",
    "--log-level",
    "-v, --verbose",
  ]],
  [["inspect", "--help"], ["--tls-grpc <host:port>", "--tls-grpc-insecure", "--tls-ca", "--passphrase", "--json"]],
  [["status", "--help"], ["--tls-grpc <host:port>", "--json", "--watch"]],
  [["config", "--help"], ["check"]],
  [["config", "check", "--help"], ["<file>", "--log-level", "-v, --verbose"]],
  [["version", "--help"], ["--help"]],
];

Deno.test("every command explains itself on stdout", async (t) => {
  await using place = await Place.open();
  for (const [words, wanted] of helps) {
    await t.step(words.join(" "), async () => {
      const { code, stdout, stderr } = await runJmp(place, words);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout, new RegExp(`^Usage: ${["jmp", ...words.slice(0, -1)].join(" ")} `));
      for (const part of [...wanted, "-h, --help"]) assert.ok(stdout.includes(part), `no "${part}" in:\n${stdout}`);
      assert.ok(stdout.split("\n").every((line) => line.length <= 80), "it fits a terminal of 80 columns");
    });
  }
  await t.step("help config check, as config check --help", async () => {
    const said = await runJmp(place, ["help", "config", "check"]);
    assert.deepEqual(said, await runJmp(place, ["config", "check", "--help"]));
    assert.match((await runJmp(place, ["help", "j"])).stdout, /see j --help/);
  });
  await t.step("jmp j --help, where there is no exporter", async () => {
    const { code, stdout, stderr } = await runJmp(place, ["j", "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: j \[options\] <driver> <command>\n/);
    assert.equal(stderr, "j: not in a jmp shell, so no devices are listed here\n");
  });
});

Deno.test("j explains what the exporter has", async () => {
  await using place = await Place.open();
  const script = "j --help && j power --help && j power on --help && j power cycle --help && j power read --help";
  const words = ["shell", "--exporter-config", exampleConfig, "--", "sh", "-ec", script];
  const { code, stdout } = await runJmp(place, words);
  assert.equal(code, 0);
  const [, root = "", power = "", on = "", cycle = "", read = ""] = stdout.split("Usage: ");
  assert.match(root, /^j \[options\] <driver> <command>\n[^]*\n {2}power +A power switch\n/);
  assert.match(power, /^j power [^]*\n {2}on +Switch[^]*\n {2}off +Switch[^]*\n {2}cycle [^]*\n {2}read /);
  assert.match(on, /^j power on \[options\]\n\nSwitch the power on\n/);
  assert.match(cycle, /^j power cycle [^]*-w, --wait <number>[^]*in seconds[^]*default: 2/);
  assert.match(read, /^j power read [^]*-n, --count <integer>[^]*-i, --interval <number>[^]*in seconds/);
});

Deno.test("help is a command as well, of jmp and of j", async () => {
  await using place = await Place.open();
  for (const command of [[], ["run"], ["config"]]) {
    const { stdout: wanted } = await runJmp(place, [...command, "--help"]);
    const { code, stdout, stderr } = await runJmp(place, ["help", ...command]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: wanted, stderr: "" });
  }
  const outside = await runJmp(place, ["j", "help"]);
  assert.equal(outside.code, 0, outside.stderr);
  assert.match(outside.stdout, /^Usage: j /);
  const script = "j help && j help power";
  const words = ["shell", "--exporter-config", exampleConfig, "--", "sh", "-ec", script];
  const { code, stdout } = await runJmp(place, words);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^Usage: j \[options\] <driver> <command>\n[^]*\n {2}power +A power switch\n[^]*\nUsage: j power /,
  );
});

Deno.test("the version is that of the package", async () => {
  await using place = await Place.open();
  for (const words of [["version"], ["--version"], ["-V"]]) {
    const { code, stdout, stderr } = await runJmp(place, words);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${project.version}\n`, stderr: "" });
  }
});
