import assert from "node:assert/strict";
import { LoginDelay } from "./login_delay.ts";

const options = {
  freeFailures: 2,
  firstMs: 100,
  longestMs: 1_000,
  longestWaitMs: 3_000,
  forgottenAfterMs: 60_000,
  maxAddresses: 4,
};

function delayAt(now: { ms: number }): LoginDelay {
  return new LoginDelay(options, () => now.ms);
}

/** An attempt that is looked at in its turn and fails; answers how long it had to wait. */
function fail(delay: LoginDelay, now: { ms: number }, peer: string): number {
  const waitMs = delay.turn(peer);
  assert.ok(waitMs !== undefined);
  now.ms += waitMs;
  delay.failed(peer);
  return waitMs;
}

Deno.test("the first failures cost nothing, the next ones more and more, up to a bound", () => {
  const now = { ms: 0 };
  const delay = delayAt(now);
  const waits = Array.from({ length: 9 }, () => fail(delay, now, "192.0.2.7:1"));
  assert.deepEqual(waits, [0, 0, 100, 100, 200, 400, 800, 1_000, 1_000]);
});

Deno.test("attempts that come together are looked at one after the other, and too many are not", () => {
  const now = { ms: 0 };
  const delay = delayAt(now);
  fail(delay, now, "192.0.2.7:1");
  fail(delay, now, "192.0.2.7:2");
  const waits = Array.from({ length: 100 }, (_, port) => delay.turn(`192.0.2.7:${port}`));
  const judged = waits.filter((wait) => wait !== undefined);
  assert.ok(judged.length <= 31, `${judged.length} at once`);
  assert.deepEqual(judged.slice(0, 3), [100, 200, 300]);
  assert.ok(judged.every((wait) => wait <= options.longestWaitMs));
  assert.equal(delay.turn("192.0.2.8:1"), 0, "nobody else waits");
});

Deno.test("a pause that is over, and a failure long ago, cost nothing", () => {
  const now = { ms: 0 };
  const delay = delayAt(now);
  for (let count = 0; count < 4; count++) fail(delay, now, "192.0.2.7:1");
  now.ms += 1_000;
  assert.equal(delay.turn("192.0.2.7:1"), 0);
  now.ms += options.forgottenAfterMs;
  assert.deepEqual([delay.turn("192.0.2.7:1"), delay.turn("192.0.2.7:1"), delay.turn("192.0.2.7:1")], [0, 0, 0]);
  assert.equal(delay.size, 0);
});

Deno.test("a whole IPv6 network is one address, and so are all ports of an IPv4 one", () => {
  const now = { ms: 0 };
  const delay = delayAt(now);
  fail(delay, now, "[2001:db8:0:1::7]:1");
  fail(delay, now, "2001:db8:0:1:aaaa:bbbb:cccc:dddd:2");
  assert.equal(delay.size, 1);
  assert.notEqual(delay.turn("2001:db8:0:1::99:3"), 0);
  assert.equal(delay.turn("2001:db8:0:2::7:1"), 0);
  assert.equal(delay.turn("::1:1"), 0);
});

Deno.test("so many addresses are remembered and no more: those that failed last", () => {
  const now = { ms: 0 };
  const delay = delayAt(now);
  const fails = (last: number) => fail(delay, now, `192.0.2.${last}:1`);
  for (const last of [1, 1, 2, 3, 1, 4, 5, 6]) fails(last);
  assert.equal(delay.size, options.maxAddresses);
  assert.notEqual(delay.turn("192.0.2.1:9"), 0, "it has failed later than the one that was forgotten");
});
