import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { type Frame, FrameConnection, type FrameName, toBytes, toText } from "./frames.ts";

/** Both ends of a Unix socket. */
async function openPair(): Promise<AsyncDisposable & { near: Deno.Conn; far: Deno.Conn }> {
  const dir = await Deno.makeTempDir({ prefix: "jmp-frames-" });
  const path = join(dir, "socket");
  const listener = Deno.listen({ transport: "unix", path });
  const [near, far] = await Promise.all([Deno.connect({ transport: "unix", path }), listener.accept()]);
  listener.close();
  return { near, far, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

const names: readonly FrameName[] = ["hello", "start", "out", "err", "input", "inputEnd", "raw", "exit"];
const frames = fc.array(fc.record<Frame>({
  name: fc.constantFrom(...names),
  payload: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 70_000, maxLength: 200_000 })),
}));

Deno.test("frames arrive as they were sent, in their order, however they are cut on the way", async () => {
  await fc.assert(
    fc.asyncProperty(frames, async (sent) => {
      await using pair = await openPair();
      using near = new FrameConnection(pair.near), far = new FrameConnection(pair.far);
      for (const { name, payload } of sent) void near.send(name, payload);
      near.flush().then(() => near[Symbol.dispose]());
      const received: Frame[] = [];
      for (let frame = await far.receive(); frame !== undefined; frame = await far.receive()) received.push(frame);
      assert.deepEqual(received.map(({ name }) => name), sent.map(({ name }) => name));
      for (const [index, { payload }] of received.entries()) assert.deepEqual(payload, sent[index]?.payload);
    }),
    { numRuns: 25 },
  );
});

Deno.test("long output is sent in pieces", async () => {
  await using pair = await openPair();
  using near = new FrameConnection(pair.near), far = new FrameConnection(pair.far);
  const text = "0123456789".repeat(20_000);
  void near.sendBytes("out", toBytes(text));
  void near.send("exit");
  const pieces: string[] = [];
  for (let frame = await far.receive(); frame?.name === "out"; frame = await far.receive()) {
    pieces.push(toText(frame.payload));
  }
  assert.ok(pieces.length >= 3, `${pieces.length} pieces`);
  assert.equal(pieces.join(""), text);
});

for (
  const [what, bytes] of [
    ["a kind that is none", [200, 0, 0, 0, 0]],
    ["more than any command line has", [1, 255, 255, 255, 255]],
    ["an end within a frame", [1, 0, 0, 0, 9, 65]],
    ["an end within a header", [1, 0]],
  ] as const
) {
  Deno.test(`${what} ends the conversation`, async () => {
    await using pair = await openPair();
    using far = new FrameConnection(pair.far);
    await pair.near.write(new Uint8Array(bytes));
    pair.near.close();
    assert.equal(await far.receive(), undefined);
  });
}

Deno.test("what is sent to an end that has closed is dropped", async () => {
  await using pair = await openPair();
  using near = new FrameConnection(pair.near);
  pair.far.close();
  await near.sendBytes("out", new Uint8Array(1_000_000));
  assert.equal(await near.receive(), undefined);
});
