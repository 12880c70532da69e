import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import { connect } from "node:net";
import { setImmediate, setTimeout as delay } from "node:timers/promises";
import {
  collect,
  frame,
  GOAWAY,
  goaway,
  guardedPair,
  headers,
  PREFACE,
  SETTINGS,
  waitUntil,
} from "../../tests/goaway/frames.ts";
import { goawayIsFatal, guardGoaway } from "./goaway_guard.ts";

/** What comes out of the guard when `bytes` go in, cut at `cuts`, and the peer ends. */
async function through(role: "server" | "client", bytes: Buffer, cuts: readonly number[]): Promise<Buffer> {
  const { guard, peer } = guardedPair(role);
  const chunks = collect(guard);
  let from = 0;
  for (const cut of [...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (cut > from) peer.write(bytes.subarray(from, cut));
    from = cut;
  }
  peer.end();
  peer.resume();
  await once(guard, "end");
  guard.destroy();
  peer.destroy();
  return Buffer.concat(chunks);
}

const anyFrame = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(goaway(0), goaway(2 ** 31 - 1), goaway(7, 2), frame(GOAWAY, 0, 0)) },
  {
    weight: 7,
    arbitrary: fc.tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 9 }),
      fc.uint8Array({ maxLength: 40 }),
    ).map((parts) => frame(...parts)),
  },
);
const someFrames = fc.array(anyFrame, { maxLength: 12 });
const someCuts = fc.array(fc.nat(600), { maxLength: 30 });

for (const role of ["server", "client"] as const) {
  const start = role === "server" ? [PREFACE, SETTINGS] : [SETTINGS];

  Deno.test(`${role}: however they are cut, all frames but GOAWAY pass byte for byte`, async () => {
    await fc.assert(
      fc.asyncProperty(someFrames, someCuts, async (frames, cuts) => {
        const passing = frames.filter((bytes) => bytes[3] !== GOAWAY);
        const out = await through(role, Buffer.concat([...start, ...frames]), cuts);
        assert.deepEqual(out, Buffer.concat([...start, ...passing]));
      }),
      { numRuns: 300 },
    );
  });

  Deno.test(`${role}: a frame that the end cuts off passes as far as it came, unless it is GOAWAY`, async () => {
    const whole = Buffer.concat([...start, frame(0, 0, 1, Buffer.alloc(20, 1))]);
    for (const length of [whole.length - 25, whole.length - 5]) {
      assert.deepEqual(await through(role, whole.subarray(0, length), []), whole.subarray(0, length));
    }
    const cutGoaway = Buffer.concat([...start, goaway(0).subarray(0, 12)]);
    assert.deepEqual(await through(role, cutGoaway, []), Buffer.concat(start));
  });

  Deno.test(`${role}: bytes that are not HTTP/2 pass untouched, whatever they hold`, async () => {
    const http1 = Buffer.concat([Buffer.from("GET / HTTP/1.1\r\n\r\n"), goaway(0), goaway(0)]);
    assert.deepEqual(await through(role, http1, [3, 9, 17]), http1);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), someCuts, async (bytes, cuts) => {
        fc.pre(bytes[0] !== PREFACE[0] && bytes[3] !== 4);
        assert.deepEqual(await through(role, Buffer.from(bytes), cuts), Buffer.from(bytes));
      }),
    );
  });
}

Deno.test("a preface that goes wrong half-way passes untouched", async () => {
  const bytes = Buffer.concat([PREFACE.subarray(0, 14), Buffer.from("nonsense"), goaway(0)]);
  assert.deepEqual(await through("server", bytes, [5, 14, 15]), bytes);
});

Deno.test("without SETTINGS at the start it is not HTTP/2, even if it looks like GOAWAY", async () => {
  const bytes = Buffer.concat([goaway(0), goaway(0)]);
  assert.deepEqual(await through("client", bytes, [4, 20]), bytes);
  assert.deepEqual(await through("server", Buffer.concat([PREFACE, bytes]), [30]), Buffer.concat([PREFACE, bytes]));
});

Deno.test("after GOAWAY and the last stream, the connection ends though the peer does not close it", async () => {
  const { guard, peer } = guardedPair("server");
  guard.resume();
  peer.resume();
  peer.write(Buffer.concat([PREFACE, SETTINGS, headers(1), goaway(0)]));
  const heard = await once(guard, "goaway");
  assert.deepEqual(heard, [0, 0]);
  await delay(400); // longer than the guard waits where no stream is open
  assert.equal(guard.readableEnded, false, "a stream is still open");
  guard.write(Buffer.concat([SETTINGS, headers(1, 4), frame(0, 1, 1)]));
  const answered = Date.now();
  await Promise.all([once(guard, "close"), once(peer, "end")]);
  assert.ok(Date.now() - answered < 3_000);
});

Deno.test("a first GOAWAY that still allows streams ends none that is opened after it", async () => {
  const { guard, peer } = guardedPair("client");
  guard.resume();
  peer.resume();
  guard.write(Buffer.concat([PREFACE, SETTINGS]));
  peer.write(Buffer.concat([SETTINGS, goaway(2 ** 31 - 1)]));
  await once(guard, "goaway");
  guard.write(headers(1));
  await delay(400); // longer than the guard waits where no stream is open
  assert.equal(guard.readableEnded, false);
  peer.write(headers(1));
  await Promise.all([once(guard, "close"), once(peer, "end")]);
});

Deno.test("after GOAWAY with an error code, the connection ends whatever is open", async () => {
  const { guard, peer } = guardedPair("client");
  guard.resume();
  peer.resume();
  guard.write(Buffer.concat([PREFACE, SETTINGS, headers(1)]));
  peer.write(Buffer.concat([SETTINGS, goaway(1, 11)]));
  await Promise.all([once(guard, "close"), once(peer, "end")]);
});

Deno.test("a stream that the peer has said it will not process is refused", async () => {
  const { guard, peer } = guardedPair("client");
  const chunks = collect(guard);
  peer.resume();
  guard.write(Buffer.concat([PREFACE, SETTINGS, headers(1), headers(3)]));
  // The refusal has to wait until the frame that is on its way is over.
  const data = frame(0, 0, 1, Buffer.alloc(100));
  peer.write(Buffer.concat([SETTINGS, goaway(1), data.subarray(0, 50)]));
  await waitUntil(() => chunks.length > 0);
  guard.write(headers(5));
  await setImmediate();
  peer.write(data.subarray(50));
  const refused = [3, 5].map((id) => frame(3, 0, id, Buffer.from([0, 0, 0, 7])));
  const expected = Buffer.concat([SETTINGS, data, ...refused]);
  await waitUntil(() => Buffer.concat(chunks).length >= expected.length);
  assert.deepEqual(Buffer.concat(chunks), expected);
  guard.destroy();
});

Deno.test("to the HTTP/2 layer a refused stream is a refused stream", async () => {
  const server = createHttp2Server((_request, response) => response.end("done")).listen(0, "127.0.0.1");
  server.on("session", (session) => session.on("stream", () => session.goaway(0, 1)));
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket = connect(address.port, "127.0.0.1");
  await once(socket, "connect");
  const guard = guardGoaway(socket, "client");
  const heard = once(guard, "goaway");
  const client = connectHttp2(`http://127.0.0.1:${address.port}`, { createConnection: () => guard });
  const first = client.request({ ":path": "/" });
  first.resume();
  await once(first, "end");
  await heard;
  const second = client.request({ ":path": "/" });
  await assert.rejects(once(second, "response"), /REFUSED_STREAM/);
  assert.equal(second.rstCode, constants.NGHTTP2_REFUSED_STREAM);
  await once(client, "close");
  server.close();
  await once(server, "close");
});

Deno.test("which releases are guarded", () => {
  for (const version of ["2.9.4", "2.9.8", "2.10.0", "2.10.0-rc.1", "3.0.0", "2.9.4+1a2b3c4"]) {
    assert.equal(goawayIsFatal(version), true, version);
  }
  for (const version of ["2.9.3", "2.9.3+9999999", "2.8.12", "1.99.99"]) {
    assert.equal(goawayIsFatal(version), false, version);
  }
});
