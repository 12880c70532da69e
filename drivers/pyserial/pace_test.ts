import assert from "node:assert/strict";
import { Pace, piecesOf } from "./pace.ts";

const never = new AbortController().signal;

Deno.test("as many bytes pass as may, and no more", async () => {
  const pace = new Pace(1_000);
  const startedAt = performance.now();
  for (let sent = 0; sent < 200; sent += pace.pieceBytes) await pace.turn(pace.pieceBytes, never);
  // The last piece need not wait for its own time to pass.
  assert.ok(performance.now() - startedAt >= 198, `${performance.now() - startedAt} ms`);
});

Deno.test("senders share it", async () => {
  const pace = new Pace(1_000);
  const startedAt = performance.now();
  await Promise.all([1, 2, 3, 4].map(async () => {
    for (let sent = 0; sent < 50; sent++) await pace.turn(1, never);
  }));
  assert.ok(performance.now() - startedAt >= 198, `${performance.now() - startedAt} ms`);
});

Deno.test("time that was lost is not made up for by a burst", async () => {
  const pace = new Pace(100);
  await pace.turn(1, never);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const startedAt = performance.now();
  for (let sent = 0; sent < 6; sent++) await pace.turn(1, never);
  assert.ok(performance.now() - startedAt >= 49, `${performance.now() - startedAt} ms`);
});

Deno.test("pieces are as long as what passes in 2 ms, and never empty", () => {
  assert.deepEqual([0.1, 10, 1_000, 11_520, 1_000_000].map((speed) => new Pace(speed).pieceBytes), [
    1,
    1,
    2,
    23,
    2_000,
  ]);
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  assert.deepEqual([...piecesOf(bytes, 2)].map((piece) => [...piece]), [[1, 2], [3, 4], [5]]);
  assert.deepEqual([...piecesOf(bytes)], [bytes]);
  assert.deepEqual([...piecesOf(new Uint8Array(0))], []);
});

Deno.test("waiting can be given up", async () => {
  const pace = new Pace(0.001);
  await pace.turn(1, never);
  const giveUp = new AbortController();
  const waiting = pace.turn(1, giveUp.signal);
  giveUp.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(pace.turn(1, giveUp.signal), /enough/);
});
