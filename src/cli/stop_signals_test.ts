import assert from "node:assert/strict";
import { signalEchoes } from "./stop_signals.ts";

Deno.test("the same signal soon after is an echo; another one, or a later one, is not", () => {
  let nowMs = 1_000;
  const isEcho = signalEchoes(() => nowMs);
  assert.equal(isEcho("SIGTERM"), false);
  nowMs += 200;
  assert.equal(isEcho("SIGTERM"), true);
  assert.equal(isEcho("SIGINT"), false, "somebody else is in a hurry");
  nowMs += 99;
  assert.equal(isEcho("SIGTERM"), true);
  nowMs += 1;
  assert.equal(isEcho("SIGTERM"), false, "who goes on gets what is asked for");
});
