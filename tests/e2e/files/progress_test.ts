/** How far a transfer has come, as a person sees it on a terminal, and as nobody else does. */
import assert from "node:assert/strict";
import { startExporter } from "../../fixtures/exporter.ts";
import { Place } from "../../fixtures/place.ts";
import { runJmp } from "../../fixtures/program.ts";
import { missingTerminal, startJmpOnTerminal } from "../../fixtures/typed_terminal.ts";

const reason = await missingTerminal();
const flasher = { type: "jumpstarter_driver_opendal.driver.MockFlasher" };

/** An exporter with a flasher, and two images for it. */
async function openBench() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await Place.open());
  const exporter = stack.use(await startExporter(place, { config: { export: { flasher } } }));
  await exporter.ready();
  await place.write("a.img", "a".repeat(3 << 20));
  await place.write("b.img", "b".repeat(3 << 20));
  const owned = stack.move();
  return { place, exporter, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The lines that a terminal shows of what was written to it. */
function linesOf(written: string): string[] {
  const lines = [""];
  let column = 0;
  // deno-lint-ignore no-control-regex
  for (const [sign] of written.matchAll(/\x1b\[K|[^]/g)) {
    const line = lines.at(-1) ?? "";
    if (sign === "\n") lines.push("");
    else if (sign === "\r") column = 0;
    else if (sign === "\x1b[K") lines.splice(-1, 1, line.slice(0, column));
    else lines.splice(-1, 1, line.slice(0, column) + sign + line.slice(++column));
  }
  return lines;
}

function terminalTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: reason === undefined ? name : `${name} (not run: ${reason})`, ignore: reason !== undefined, fn });
}

terminalTest("a terminal shows a bar meanwhile, and then nothing but the results", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const run = async (...words: string[]) => {
    await using program = startJmpOnTerminal(place, ["j", "flasher", ...words], { env: exporter.env, cwd: place.dir });
    const { code, stdout } = await program.ended();
    assert.equal(code, 0, stdout);
    return stdout;
  };
  const bar = /\d+ % \[=* *\] \d+\.\d [KM]iB of 3\.0 MiB/;
  const wrote = /^wrote 3145728 bytes[^[]*, sha256 [\da-f]{64}$/;
  const one = await run("flash", "a.img");
  assert.match(one, bar);
  const [result = "", ...rest] = linesOf(one);
  assert.match(result, wrote);
  assert.deepEqual(rest, [""]);
  const two = linesOf(await run("flash", "-t", "a:a.img", "-t", "b:b.img"));
  assert.equal(two.length, 3, two.join("\n"));
  for (const line of two.slice(0, 2)) assert.match(line, wrote);
});

terminalTest("the lines of the exporter's log stand by themselves", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const words = [...exporter.shell, "--exporter-logs", "--", "sh", "-c", "j flasher flash a.img"];
  await using program = startJmpOnTerminal(place, words, { env: exporter.env, cwd: place.dir });
  const { code, stdout } = await program.ended();
  assert.equal(code, 0, stdout);
  const lines = linesOf(stdout);
  assert.ok(lines.some((line) => /^[\d:]{8} INFO +\[MockFlasher\] flashed [^[]+$/.test(line)), stdout);
  assert.ok(lines.every((line) => !line.includes(" % [")), stdout);
});

Deno.test("without a terminal nothing is shown but the result", async () => {
  await using bench = await openBench();
  const { place, exporter } = bench;
  const { code, stdout, stderr } = await runJmp(place, ["j", "flasher", "flash", "a.img"], {
    env: exporter.env,
    cwd: place.dir,
  });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^wrote 3145728 bytes, sha256 [\da-f]{64}\n$/);
});
