import assert from "node:assert/strict";
import { openFakeTerminal } from "../../tests/fixtures/terminal.ts";
import type { TerminalFacts } from "../terminal.ts";
import { formatProgress, ProgressTerminal } from "./progress_terminal.ts";

const screen = { isTerminal: true, columns: 80 };

/** A terminal where a person watches both streams, and a clock that stands still until it is set. */
function openWatched(facts: Partial<TerminalFacts> = {}) {
  const clock = { nowMs: 0 };
  const fake = openFakeTerminal({ facts: { out: screen, err: screen, ...facts } });
  const terminal = new ProgressTerminal(fake, () => clock.nowMs);
  return { clock, terminal, written: () => fake.written.replaceAll("\x1b[K", "<erase>").replaceAll("\r", "<start>") };
}

Deno.test("whatever is written finds the progress erased, once", async () => {
  const { terminal, written } = openWatched();
  terminal.showProgress(5, 10);
  await terminal.writeErr("a notice\n");
  await terminal.writeOut("a result\n");
  assert.equal(written(), "(<erase>50 % [==========          ] 5 B of 10 B<start>)(<erase>)(a notice\n)a result\n");
});

Deno.test("nothing of the progress is left at the end", async () => {
  const { terminal, written } = openWatched();
  terminal.showProgress(1);
  await terminal.flush();
  await terminal.flush();
  assert.equal(written(), "(<erase>1 B<start>)(<erase>)");
});

Deno.test("progress is shown ten times a second, and of the next transfer at once, with its own rate", () => {
  const { clock, terminal, written } = openWatched();
  for (const [nowMs, bytes] of [[1_000, 1], [1_099, 2], [1_100, 3], [5_100, 1], [5_200, 4]] as const) {
    clock.nowMs = nowMs;
    terminal.showProgress(bytes);
  }
  const shown = ["1 B", "3 B, 30 B/s", "1 B", "4 B, 40 B/s"].map((text) => `(<erase>${text}<start>)`);
  assert.equal(written(), shown.join(""));
});

Deno.test("progress erases nothing that a command has written on its line", async () => {
  const { terminal, written } = openWatched();
  await terminal.writeOut(new TextEncoder().encode("half a line"));
  terminal.showProgress(1);
  await terminal.writeOut(new TextEncoder().encode(" of a file\n"));
  terminal.showProgress(2);
  assert.equal(written(), "half a line of a file\n(<erase>2 B<start>)");
});

Deno.test("output that goes elsewhere leaves the progress alone", async () => {
  const { terminal, written } = openWatched({ out: { isTerminal: false } });
  terminal.showProgress(1);
  await terminal.writeOut("half a line");
  assert.equal(written(), "(<erase>1 B<start>)half a line");
});

Deno.test("where nobody watches nothing is shown", () => {
  const { terminal, written } = openWatched({ err: { isTerminal: false } });
  terminal.showProgress(1, 2);
  assert.equal(written(), "");
});

Deno.test("progress stays on one line of a narrow terminal", () => {
  const { terminal, written } = openWatched({ err: { isTerminal: true, columns: 10 } });
  terminal.showProgress(5, 10);
  assert.equal(written(), "(<erase>50 % [===<start>)");
});

Deno.test("a share, the amounts and the rate are told as far as they are known", () => {
  assert.equal(formatProgress(1 << 20, 4 << 20, 2), "25 % [=====               ] 1.0 MiB of 4.0 MiB, 512.0 KiB/s");
  assert.equal(formatProgress(2_048, undefined, 0), "2.0 KiB");
  assert.equal(formatProgress(0, 0, 1), "0 B, 0 B/s");
  // A server may have sent more than it had said.
  assert.equal(formatProgress(5, 4, 0), "100 % [====================] 5 B of 4 B");
});
