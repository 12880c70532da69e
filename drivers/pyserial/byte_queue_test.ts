import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteQueue } from "./byte_queue.ts";

Deno.test("what goes in comes out, in its order, whatever the sizes", () => {
  const step = fc.oneof(fc.constant("take" as const), fc.uint8Array({ maxLength: 10_000 }));
  fc.assert(fc.property(fc.array(step), (steps) => {
    const queue = new ByteQueue();
    const pushed: number[] = [], taken: number[] = [];
    const take = () => {
      const piece = queue.take();
      taken.push(...piece ?? []);
      return piece !== undefined;
    };
    for (const step of steps) {
      if (step === "take") take();
      else {
        queue.push(step);
        pushed.push(...step);
      }
      assert.equal(queue.length, pushed.length - taken.length);
    }
    while (take());
    assert.deepEqual(taken, pushed);
    assert.equal(queue.length, 0);
  }));
});

Deno.test("bytes that come one by one are taken together", () => {
  const queue = new ByteQueue();
  for (let value = 0; value < 10_000; value++) queue.push(Uint8Array.of(value));
  let pieces = 0;
  while (queue.take() !== undefined) pieces++;
  assert.ok(pieces <= 4, String(pieces));
});

Deno.test("a piece that was taken is not written over", () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(1));
  const piece = queue.take();
  queue.push(Uint8Array.of(2));
  assert.deepEqual(piece, Uint8Array.of(1));
});
