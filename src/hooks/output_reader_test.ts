import assert from "node:assert/strict";
import { OutputReader } from "./output_reader.ts";

/** A pipe that a daemon keeps open: it has no end, only what is written to it. */
function openPipe() {
  const encoder = new TextEncoder();
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  let write = (_text: string) => {};
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => {
      write = (text) => controller.enqueue(encoder.encode(text));
    },
    cancel: () => resolve(),
  });
  return { readable, write: (text: string) => write(text), cancelled };
}

function stall(durationMs: number): void {
  for (const until = performance.now() + durationMs; performance.now() < until;);
}

Deno.test("a pipe that stays open and quiet is let go, with its unfinished line", async () => {
  const pipe = openPipe();
  const lines: string[] = [];
  await using output = new OutputReader([pipe.readable], (line) => lines.push(line));
  pipe.write("one\ntwo");
  await output.drain();
  await pipe.cancelled;
  assert.deepEqual(lines, ["one", "two"]);
  assert.deepEqual(output.lastLines, lines);
});

Deno.test("output that waits while this program stands still is read before the pipe counts as quiet", async () => {
  const pipe = openPipe();
  const lines: string[] = [];
  await using output = new OutputReader([pipe.readable], (line) => lines.push(line));
  // By the clock the quiet time (250 ms) is over before the line is written; but nobody could have looked.
  const timers = [setTimeout(() => stall(400), 0), setTimeout(() => pipe.write("late\n"), 300)];
  await output.drain();
  timers.forEach(clearTimeout);
  assert.deepEqual(lines, ["late"]);
});

Deno.test("a pipe that is never quiet is let go all the same, and nothing comes after that", async () => {
  const pipe = openPipe();
  let count = 0;
  await using output = new OutputReader([pipe.readable], () => count++);
  const timer = setInterval(() => pipe.write("chatter\n"), 5);
  await output.drain();
  clearInterval(timer);
  await pipe.cancelled;
  assert.ok(count > 0);
});

Deno.test("a line of one pipe is not cut by a line of the other", async () => {
  const [out, err] = [openPipe(), openPipe()];
  const lines: string[] = [];
  await using output = new OutputReader([out.readable, err.readable], (line) => lines.push(line));
  out.write("begun ");
  err.write("between\n");
  out.write("and ended\n");
  await output.drain();
  assert.deepEqual(lines.toSorted(), ["begun and ended", "between"]);
});

Deno.test("an error of onLine comes out of failure and of drain", async () => {
  const pipe = openPipe();
  await using output = new OutputReader([pipe.readable], () => {
    throw new RangeError("no more lines, please");
  });
  pipe.write("one\n");
  await assert.rejects(output.failure, RangeError);
  await assert.rejects(output.drain(), RangeError);
});
