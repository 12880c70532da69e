import assert from "node:assert/strict";
import type { JumpstarterError } from "./errors.ts";
import { formatTarget, openSocket } from "./socket_stream.ts";
import { isolatedTest } from "../tests/fixtures/run_isolated.ts";
import { standsStill } from "../tests/fixtures/until.ts";

const chunk = new Uint8Array(64 * 1024);
/** More than any system holds in the buffers of one local connection. */
const muchBytes = 32 * 1024 * 1024;

/** A peer that does nothing but accept, and the stream to it. */
async function openPair() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [stream, peer] = await Promise.all([openSocket({ host: "127.0.0.1", port }), listener.accept()]);
  listener.close();
  return { stream, peer };
}

/** Waits until no more is taken, which is before all of it is. */
async function untilStopped(count: () => number): Promise<number> {
  return await standsStill("no more is taken", () => {
    assert.ok(count() < muchBytes, `${count()} bytes were taken, and nobody reads them`);
    return count();
  });
}

/** How many sockets this process holds. */
function openSockets(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith("socket:")) count++;
    } catch {
      // It was the descriptor of the listing itself.
    }
  }
  return count;
}

isolatedTest(
  import.meta.url,
  "a peer that does not read stops the writer, and an abort closes the socket all the same",
  async () => {
    const { stream, peer } = await openPair();
    using _peer = { [Symbol.dispose]: () => peer.close() };
    const sockets = openSockets();
    const writer = stream.writable.getWriter();
    let sent = 0;
    const writing = (async () => {
      for (;;) {
        await writer.write(chunk);
        sent += chunk.length;
      }
    })();
    writing.catch(() => {});
    const taken = await untilStopped(() => sent);
    await writer.abort(new Error("enough"));
    await assert.rejects(writing);
    let received = 0;
    const buffer = new Uint8Array(chunk.length);
    for (let count = await peer.read(buffer); count !== null; count = await peer.read(buffer)) received += count;
    assert.ok(received <= taken + chunk.length, "what was to be written after the abort has come");
    assert.equal(openSockets(), sockets - 1);
  },
);

Deno.test("a reader that does not read stops the peer", async () => {
  const { stream, peer } = await openPair();
  let sent = 0;
  const writing = (async () => {
    for (;;) sent += await peer.write(chunk);
  })();
  writing.catch(() => {});
  await untilStopped(() => sent);
  await stream.readable.cancel();
  await assert.rejects(writing);
  peer.close();
});

Deno.test("what has come before the end is read, all of it and in order", async () => {
  const { stream, peer } = await openPair();
  const expected = new Uint8Array(5_000_001);
  for (let at = 0; at < expected.length; at++) expected[at] = at % 251;
  const sending = (async () => {
    for (let at = 0; at < expected.length;) at += await peer.write(expected.subarray(at));
    peer.close();
  })();
  const read = new Uint8Array(
    await new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
  await sending;
  assert.equal(read.length, expected.length);
  assert.ok(read.every((byte, at) => byte === expected[at]));
  await stream.writable.abort();
});

Deno.test("a connection that is given up leaves nothing behind", async () => {
  const reason = new Error("no more");
  await assert.rejects(openSocket({ host: "127.0.0.1", port: 1 }, { signal: AbortSignal.abort(reason) }), reason);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const controller = new AbortController();
  const opening = openSocket({ host: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port }, {
    signal: controller.signal,
  });
  controller.abort(reason);
  await assert.rejects(opening, reason);
});

Deno.test("nobody there is unavailable, in words", async () => {
  const fails = (target: Parameters<typeof openSocket>[0], message: string) =>
    assert.rejects(openSocket(target), (error: JumpstarterError) => {
      assert.deepEqual({ code: error.code, message: error.message }, { code: "unavailable", message });
      return true;
    });
  await fails({ host: "127.0.0.1", port: 1 }, "cannot connect to 127.0.0.1:1: connection refused");
  await fails({ host: "nowhere.invalid", port: 1 }, "cannot connect to nowhere.invalid:1: the name does not resolve");
  await fails({ path: "/no/such/socket" }, "cannot connect to /no/such/socket: no such socket");
  assert.equal(formatTarget({ host: "::1", port: 22 }), "[::1]:22");
});
