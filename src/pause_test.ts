import assert from "node:assert/strict";
import { pause } from "./pause.ts";

Deno.test("a pause ends with its time, with its signal, and at once where that has fired", async () => {
  const stop = new AbortController();
  await pause(1, stop.signal);
  await pause(1);
  const long = pause(3_600_000, stop.signal);
  let isOver = false;
  void long.then(() => isOver = true);
  await pause(1);
  assert.equal(isOver, false);
  stop.abort();
  await long;
  await pause(3_600_000, stop.signal);
});
