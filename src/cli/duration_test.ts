import assert from "node:assert/strict";
import { parseDuration, parsePositiveDuration } from "./duration.ts";

Deno.test("a duration is seconds, or numbers with units", () => {
  const durations = {
    "90": 90_000,
    "0.5": 500,
    "500ms": 500,
    "90s": 90_000,
    "5m": 300_000,
    "1h30m": 5_400_000,
    "0": 0,
  };
  for (const [text, durationMs] of Object.entries(durations)) assert.equal(parseDuration(text), durationMs, text);
});

Deno.test("anything else is refused with what to write", () => {
  for (const text of ["", "-1", "soon", "5 m", "m", "1h30", "1e3", "Infinity", "0x10"]) {
    assert.throws(() => parseDuration(text), /such as 90s, 5m or 1h30m/, text);
  }
  for (const text of ["2147484", "25d", "24d21h"]) assert.throws(() => parseDuration(text), /at most 24d/, text);
  assert.throws(() => parsePositiveDuration("0s"), /more than 0/);
});
