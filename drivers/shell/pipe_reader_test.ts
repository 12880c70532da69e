import assert from "node:assert/strict";
import { PipeReader } from "./pipe_reader.ts";

Deno.test("what is waited for all the while costs nothing per piece of output", async () => {
  let waiters = 0;
  class Counted<T> extends Promise<T> {
    override then<A = T, B = never>(
      onDone?: ((value: T) => A | PromiseLike<A>) | null,
      onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
    ): Promise<A | B> {
      waiters++;
      return super.then(onDone, onFailed);
    }
  }
  const pieces = Array.from({ length: 100 }, () => new Uint8Array([120]));
  const never = new ReadableStream<Uint8Array>();
  const over = Promise.withResolvers<void>();
  await using reader = new PipeReader(ReadableStream.from(pieces), never);
  let count = 0;
  for await (const [out] of reader.until(Counted.resolve(over.promise))) {
    count += out.length;
    if (count === pieces.length) over.resolve();
  }
  assert.equal(count, 100);
  assert.ok(waiters < 10, `${waiters} waiters`);
});
