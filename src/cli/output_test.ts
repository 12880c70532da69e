// deno-lint-ignore-file no-control-regex
import fc from "fast-check";
import assert from "node:assert/strict";
import type { LogRecord } from "../log.ts";
import { formatHookLine, formatText, printable, printableLines } from "./output.ts";

const record = (more: Partial<LogRecord>): LogRecord => ({
  time: new Date(2026, 0, 2, 3, 4, 5),
  severity: "INFO",
  message: "hello",
  source: "system",
  ...more,
});

Deno.test("nothing from elsewhere can move the cursor, whatever it is", () => {
  const text = fc.string({ unit: fc.constantFrom(..."\x1b[;mHJK0123\r\n\b\x07\x9b\x7f\t]é", "\u{1f50c}") });
  fc.assert(
    fc.property(text, (text) => {
      const colourless = printable(text).replace(/\x1b\[[\d;:]*m/g, "");
      assert.doesNotMatch(colourless, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      for (const line of printable(text).split("\n").slice(1)) assert.ok(line.startsWith("    "));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("colours, tabs and every written character stay; the rest is shown by its number", () => {
  const plain = "\x1b[1;31mred\x1b[0m\tGrüße \u{1f50c} 日本";
  assert.equal(printable(plain), plain);
  assert.equal(
    printable("a\r\x07b\x1b[2Jc\x1b]0;title\x07\x9b1A"),
    "a\\u000d\\u0007b\\u001b[2Jc\\u001b]0;title\\u0007\\u009b1A",
  );
  assert.equal(printable("one\n12:00:00 ERROR a forged line"), "one\n    12:00:00 ERROR a forged line");
  assert.equal(printableLines("one\r\ntwo"), "one\\u000d\ntwo");
});

Deno.test("a log line has its time, severity and origin", () => {
  assert.equal(formatText(record({})), "03:04:05 INFO    hello\n");
  assert.equal(
    formatText(record({ severity: "WARNING", source: "driver", driverType: "acme.driver.Relay", message: "hot" })),
    "03:04:05 WARNING [Relay] hot\n",
  );
  assert.equal(formatText(record({ source: "beforeLease" })), "03:04:05 INFO    [beforeLease] hello\n");
  assert.equal(formatHookLine(record({ source: "afterLease", message: "a\rb" })), "[afterLease] a\\u000db\n");
});
