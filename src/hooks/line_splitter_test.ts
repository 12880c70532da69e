import assert from "node:assert/strict";
import { LineSplitter, maxLineLength } from "./line_splitter.ts";

function split(...chunks: readonly (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  const encoder = new TextEncoder();
  for (const chunk of chunks) splitter.push(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  splitter.end();
  return lines;
}

Deno.test("lines end at LF or CRLF, wherever the chunks are cut", () => {
  const text = "a\r\n\nb\rc\n\r\nlast";
  const lines = ["a", "", "b\rc", "", "last"];
  assert.deepEqual(split(text), lines);
  assert.deepEqual(split(...text), lines);
});

Deno.test("nothing comes of nothing, and an empty last line is none", () => {
  assert.deepEqual(split(), []);
  assert.deepEqual(split(""), []);
  assert.deepEqual(split("a\n"), ["a"]);
});

Deno.test("characters are put together byte by byte, and invalid bytes are replaced", () => {
  const bytes = new TextEncoder().encode("grün 👍\n");
  assert.deepEqual(split(...[...bytes].map((byte) => Uint8Array.of(byte))), ["grün 👍"]);
  assert.deepEqual(split(Uint8Array.of(0xff, 0x41, 0x00, 0x0a)), ["\uFFFDA\0"]);
  assert.deepEqual(split(Uint8Array.of(0x41, 0xf0, 0x9f)), ["A\uFFFD"]);
});

Deno.test("a line without an end is cut, and loses nothing", () => {
  const chunk = "x".repeat(50_000);
  const lines = split(chunk, chunk, chunk, "\nnext");
  assert.ok(lines.every((line) => line.length <= maxLineLength));
  assert.equal(lines.at(-1), "next");
  assert.equal(lines.slice(0, -1).join(""), chunk.repeat(3));
});

Deno.test("a line of exactly the longest length is one line, whatever its end", () => {
  const line = "x".repeat(maxLineLength);
  assert.deepEqual(split(line, "\n", "y"), [line, "y"]);
  assert.deepEqual(split(line, "\r\n", "y"), [line, "y"]);
});

Deno.test("a cut does not tear a character apart", () => {
  const text = "x".repeat(maxLineLength - 1) + "👍👍";
  const lines = split(text);
  assert.equal(lines.join(""), text);
  assert.ok(lines.every((line) => line.isWellFormed()));
});
