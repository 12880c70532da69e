import assert from "node:assert/strict";
import { join } from "node:path";
import { JumpstarterError } from "../errors.ts";
import { knownExporter, rememberExporter } from "./known_exporters.ts";

const one = `sha256:${"1".repeat(64)}`, two = `sha256:${"2".repeat(64)}`;

async function inFolder(test: (file: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "known-" });
  try {
    await test(join(parent, "jumpstarter", "known_exporters"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("what is remembered is known, by its address alone, in a file of its user", () =>
  inFolder(async (file) => {
    assert.equal(await knownExporter(file, "bench:19090"), undefined);
    await rememberExporter(file, "Bench:19090", one);
    await rememberExporter(file, "[::1]:19090", two);
    assert.deepEqual(await knownExporter(file, "bENCH:19090"), { fingerprint: one, place: `${file}:1` });
    assert.deepEqual(await knownExporter(file, "[::1]:19090"), { fingerprint: two, place: `${file}:2` });
    for (const other of ["bench:19091", "bench", "bench.lab:19090", "sha256"]) {
      assert.equal(await knownExporter(file, other), undefined, other);
    }
    assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    assert.equal(((await Deno.stat(join(file, ".."))).mode ?? 0) & 0o777, 0o700);
  }));

Deno.test("two who remember at once leave two lines", () =>
  inFolder(async (file) => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => rememberExporter(file, `b${index}:1`, one)));
    for (let index = 0; index < 20; index++) assert.ok(await knownExporter(file, `b${index}:1`), `b${index}`);
  }));

Deno.test("comments and empty lines are nothing; any other line is told with its place", () =>
  inFolder(async (file) => {
    await rememberExporter(file, "a:1", one);
    await Deno.writeTextFile(file, `# mine\n\na:1 ${one}\nb:1 no-fingerprint\n`);
    assert.ok(await knownExporter(file, "a:1"));
    await assert.rejects(knownExporter(file, "b:1"), (error) => {
      assert.ok(error instanceof JumpstarterError && error.code === "config");
      assert.match(error.message, /known_exporters:4 is no line of known exporters/);
      return true;
    });
  }));
