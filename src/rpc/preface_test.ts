import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { PREFACE } from "./http2_frames.ts";
import { onGreeting } from "./preface.ts";

/** What is told of a peer that says these parts, and what can be read of it afterwards. */
async function greet(...parts: Uint8Array[]): Promise<{ told: boolean[]; read: string }> {
  const stream = new PassThrough();
  const told: boolean[] = [];
  onGreeting(stream as unknown as Socket, (isHttp2) => told.push(isHttp2));
  for (const part of parts) {
    stream.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const read: unknown[] = [];
  for (let part = stream.read(); part !== null; part = stream.read()) read.push(part);
  return { told, read: read.join("") };
}

const text = (what: string) => new TextEncoder().encode(what);

Deno.test("a peer that begins as HTTP/2 does is told of once, however its bytes come", async () => {
  const all = new Uint8Array([...PREFACE, ...text("and more")]);
  const whole = new TextDecoder().decode(all);
  for (const size of [1, 7, 23, 24, 25, all.length]) {
    const parts = Array.from(
      { length: Math.ceil(all.length / size) },
      (_, at) => all.slice(at * size, (at + 1) * size),
    );
    assert.deepEqual(await greet(...parts), { told: [true], read: whole }, `${size}`);
  }
});

Deno.test("one that begins in another way is told of at its first wrong byte, and one that stops is not", async () => {
  assert.deepEqual((await greet(text("PRI"), text(" x"))).told, [false]);
  assert.deepEqual((await greet(text("GET / HTTP/1.1\r\n"))).told, [false]);
  assert.deepEqual((await greet(text("PRI * HTTP/2.0"))).told, []);
  assert.deepEqual((await greet()).told, []);
});
