/** Scripts on the exporter's machine. */
import assert from "node:assert/strict";
import { ShellClient } from "../../../drivers/shell/client.ts";
import type { Json } from "../../../src/json.ts";
import { type Bench, type Cell, defineArea } from "../support/area.ts";
import { dearCommand } from "../support/side.ts";

const methods = {
  both: "echo out; echo err >&2; exit 3",
  words: { command: 'echo "$1|$2|$GREETING"', description: "Says its words" },
  signs: "printf 'π ≈ 3 \u{1f50c}\\n'",
  many: "seq 1 20000",
  slow: { command: "echo begun; exec sleep 60", timeout: 1 },
};

/** What users do with scripts. */
export const shell = defineArea({
  name: "shell",
  open: () =>
    Promise.resolve({
      entries: { tools: { type: "jumpstarter_driver_shell.driver.Shell", config: { methods } } },
    }),
  rows: [
    { name: "its methods", run: list },
    { name: "output, errors and exit code", run: (cell) => runs(cell, "both", ["out\n", "err\n", 3]) },
    { name: "arguments and variables", run: (cell) => runs(cell, "words", ["a b|-x|hi\n", "", 0]) },
    { name: "whole characters", run: (cell) => runs(cell, "signs", ["π ≈ 3 \u{1f50c}\n", "", 0]) },
    { name: "much output", run: (cell) => runs(cell, "many", [countTo(20_000), "", 0]) },
    { name: "a time-out", run: timeOut },
    { name: "by j", notRun: dearCommand, run: byCommand },
  ],
});

const countTo = (end: number) => Array.from({ length: end }, (_, index) => `${index + 1}\n`).join("");

async function list({ ask }: Cell<Bench>): Promise<void> {
  const answer = await ask({
    python: `return client.tools.call("get_methods")`,
    ours: (exporter) => exporter.driver("tools", ShellClient).methods(),
  });
  assert.deepEqual(answer, Object.keys(methods));
}

/** What a script wrote to each of its outputs, and its exit code. */
async function run({ ask }: Cell<Bench>, method: string): Promise<[string, string, number]> {
  return await ask({
    python: `
      out, err, last = "", "", None
      for stdout, stderr, code in client.tools.streamingcall("call_method", "${method}", {"GREETING": "hi"}, "a b", "-x"):
          out += stdout
          err += stderr
          last = last if code is None else code
      return [out, err, last]
    `,
    async ours(exporter): Promise<Json> {
      let out = "", err = "";
      const code = await exporter.driver("tools", ShellClient).run(method, ["a b", "-x"], {
        env: { GREETING: "hi" },
        onStdout: (text) => out += text,
        onStderr: (text) => err += text,
      });
      return [out, err, code];
    },
  }) as [string, string, number];
}

async function runs(cell: Cell<Bench>, method: string, expected: [string, string, number]): Promise<void> {
  assert.deepEqual(await run(cell, method), expected);
}

async function timeOut(cell: Cell<Bench>): Promise<void> {
  const [out, , code] = await run(cell, "slow");
  assert.equal(out, "begun\n");
  assert.equal(code, 199);
}

async function byCommand({ client, session }: Cell<Bench>): Promise<void> {
  const both = await session.run("j tools both");
  // The Python j loses the exit code of the script.
  assert.deepEqual(both, { code: client.name === "Python" ? 0 : 3, stdout: "out\n", stderr: "err\n" });
  const words = await session.run("j tools words --env GREETING=hello 'a b' -x");
  assert.deepEqual(words, { code: 0, stdout: "a b|-x|hello\n", stderr: "" });
}
