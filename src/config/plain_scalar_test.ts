import assert from "node:assert/strict";
import fc from "fast-check";
import { readPlain, readTagged } from "./plain_scalar.ts";

// What PyYAML 6.0.3 makes of each word.
const WORDS: [string, unknown][] = [
  ["", null],
  ["~", null],
  ["NULL", null],
  ["nULL", "nULL"],
  ["yes", true],
  ["On", true],
  ["No", false],
  ["OFF", false],
  ["y", "y"],
  ["n", "n"],
  ["yEs", "yEs"],
  ["0", 0],
  ["-0", 0],
  ["+1", 1],
  ["-12", -12],
  ["1_000", 1000],
  ["0_", 0],
  ["_1", "_1"],
  ["1,000", "1,000"],
  ["0777", 511],
  ["08", "08"],
  ["0o17", "0o17"],
  ["0x1f", 31],
  ["-0x1F", -31],
  ["0b11", 3],
  ["0b12", "0b12"],
  ["12:30", 750],
  ["190:20:30", 685230],
  ["-1:30", -90],
  ["1:60", "1:60"],
  ["1:2.5", 62.5],
  ["-1:2.5", -62.5],
  ["1.", 1],
  [".5", 0.5],
  ["-0.25", -0.25],
  ["1.0e+3", 1000],
  ["1e3", "1e3"],
  ["1e+3", "1e+3"],
  ["1.e5", "1.e5"],
  [".", "."],
  ["-.inf", -Infinity],
  [".INF", Infinity],
  ["inf", "inf"],
  ["2024-01-01", "2024-01-01"],
  ["192.168.0.1", "192.168.0.1"],
  ["::1", "::1"],
  ["aa:bb", "aa:bb"],
];

Deno.test("a plain word is read as PyYAML reads it", () => {
  for (const [word, value] of WORDS) assert.deepEqual(readPlain(word), value, word);
  assert.ok(Number.isNaN(readPlain(".nan")));
});

Deno.test("an explicit tag takes only what it names", () => {
  const tag = (name: string) => `tag:yaml.org,2002:${name}`;
  assert.equal(readTagged(tag("int"), "0x10"), 16);
  assert.equal(readTagged(tag("int"), "1.5"), undefined);
  assert.equal(readTagged(tag("float"), "1.5"), 1.5);
  assert.equal(readTagged(tag("float"), "x"), undefined);
  assert.equal(readTagged(tag("bool"), "off"), false);
  assert.equal(readTagged(tag("bool"), "y"), undefined);
  assert.equal(readTagged(tag("null"), ""), null);
  assert.equal(readTagged(tag("null"), "x"), undefined);
  assert.equal(readTagged("!vault", "x"), undefined);
});

Deno.test("decimal numbers keep their value, and other text stays text", () => {
  fc.assert(fc.property(fc.integer(), (number) => assert.equal(readPlain(String(number)), number)));
  fc.assert(fc.property(fc.stringMatching(/^[a-z][a-z0-9 .:_-]{5,}$/), (text) => assert.equal(readPlain(text), text)));
});
