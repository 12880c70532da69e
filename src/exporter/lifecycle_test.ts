import assert from "node:assert/strict";
import type { HookOutcome } from "../hooks/mod.ts";
import type { LifecycleEnd } from "./lifecycle.ts";
import type { BeforeLease, HookName } from "./lifecycle_parts.ts";
import {
  after,
  before,
  failed,
  interrupted,
  offline,
  ok,
  type OnFailure,
  openLife,
  quick,
  ready,
} from "./lifecycle_bench_test.ts";

interface Row {
  readonly name: string;
  readonly hooks: { beforeLease?: OnFailure; afterLease?: OnFailure };
  readonly fails?: HookName;
  readonly trail: readonly string[];
  readonly told?: BeforeLease;
  readonly end?: LifecycleEnd;
}

/** A first session that is stopped as soon as it is ready, if it becomes so. */
const rows: readonly Row[] = [
  { name: "no hooks", hooks: {}, trail: [ready, offline] },
  { name: "beforeLease succeeds", hooks: { beforeLease: "exit" }, trail: [before, ready, offline] },
  {
    name: "both succeed",
    hooks: { beforeLease: "exit", afterLease: "exit" },
    trail: [before, ready, after, offline],
    told: "ok",
  },
  { name: "afterLease alone", hooks: { afterLease: "exit" }, trail: [ready, after, offline] },
  {
    name: "beforeLease fails, warn",
    hooks: { beforeLease: "warn", afterLease: "warn" },
    fails: "beforeLease",
    trail: [before, "LEASE_READY: [HOOK_WARNING] beforeLease failed", after, offline],
    told: "failed",
  },
  {
    name: "beforeLease fails, exit: afterLease does not run",
    hooks: { beforeLease: "exit", afterLease: "exit" },
    fails: "beforeLease",
    trail: [before, "BEFORE_LEASE_HOOK_FAILED: beforeLease failed"],
    end: { kind: "hookFailed", reason: "beforeLease failed" },
  },
  {
    name: "afterLease fails, warn: the next status warns",
    hooks: { afterLease: "warn" },
    fails: "afterLease",
    trail: [ready, after, "OFFLINE: [HOOK_WARNING] afterLease failed"],
  },
  {
    name: "afterLease fails, endLease",
    hooks: { afterLease: "endLease" },
    fails: "afterLease",
    trail: [ready, after, "AFTER_LEASE_HOOK_FAILED: afterLease failed", offline],
  },
  {
    name: "afterLease fails, exit",
    hooks: { afterLease: "exit" },
    fails: "afterLease",
    trail: [ready, after, "AFTER_LEASE_HOOK_FAILED: afterLease failed"],
    end: { kind: "hookFailed", reason: "afterLease failed" },
  },
];

for (const { name, hooks, fails, trail, told, end = { kind: "stopped" } } of rows) {
  Deno.test(`stopped when ready: ${name}`, async () => {
    const life = openLife(hooks, (name) => name === fails ? failed : ok, { onReady: () => life.stop() });
    assert.deepEqual(await life.lifecycle.run(), end);
    assert.deepEqual(life.trail, trail);
    assert.deepEqual(life.told, trail.includes(after) ? [told] : []);
  });
}

Deno.test("a stop in the midst of beforeLease interrupts it, and afterLease is told so", async () => {
  const release = Promise.withResolvers<HookOutcome>();
  const life = openLife({ beforeLease: "exit", afterLease: "exit" }, (name) => {
    if (name === "afterLease") return ok;
    queueMicrotask(() => {
      life.stop();
      release.resolve(interrupted);
    });
    return release.promise;
  });
  assert.deepEqual(await life.lifecycle.run(), { kind: "stopped" });
  assert.deepEqual(life.trail, [before, after, offline]);
  assert.deepEqual(life.told, ["interrupted"]);
});

Deno.test("a stop in the midst of afterLease waits for it", async () => {
  const life = openLife({ afterLease: "warn" }, () => {
    life.stop();
    return ok;
  }, { onReady: () => void life.lifecycle.endSession() });
  assert.deepEqual(await life.lifecycle.run(), { kind: "stopped" });
  assert.deepEqual(life.trail, [ready, after, offline]);
});

Deno.test("endLease tries again for the next client, after a pause that grows", async () => {
  let clients = 0;
  const pausesMs: number[] = [];
  let failedAt = 0;
  const life = openLife({ beforeLease: "endLease" }, (_name, round) => {
    if (failedAt > 0) pausesMs.push(performance.now() - failedAt);
    failedAt = performance.now();
    return round < 5 ? failed : ok;
  }, {
    nextClient() {
      clients++;
      return Promise.resolve();
    },
    onReady: () => life.stop(),
  });
  assert.deepEqual(await life.lifecycle.run(), { kind: "stopped" });
  const lost = "BEFORE_LEASE_HOOK_FAILED: beforeLease failed";
  assert.deepEqual(life.trail, [before, lost, before, lost, before, lost, before, lost, before, ready, offline]);
  assert.equal(clients, 4);
  // A timer may be a little early, and anything late.
  for (const [index, leastMs] of [10, 20, 40, 40].entries()) assert.ok((pausesMs[index] ?? 0) >= leastMs - 2);
});

Deno.test("endLease waits for a client, however long the pause is over", async () => {
  const asked = Promise.withResolvers<void>(), client = Promise.withResolvers<void>();
  const life = openLife({ beforeLease: "endLease" }, (_name, round) => round === 1 ? failed : ok, {
    nextClient() {
      asked.resolve();
      return client.promise;
    },
    onReady: () => life.stop(),
  });
  const end = life.lifecycle.run();
  await asked.promise;
  await new Promise((resolve) => setTimeout(resolve, 3 * quick.retryPause.firstMs));
  assert.equal(life.trail.length, 2, "nothing happens without a client");
  assert.match(await life.lifecycle.endSession(), /beforeLease failed/, "there is no session to end");
  client.resolve();
  await end;
  assert.deepEqual(life.trail.slice(2), [before, ready, offline]);
});

Deno.test("a stop ends the wait for the next client, without afterLease", async () => {
  const life = openLife({ beforeLease: "endLease", afterLease: "warn" }, () => failed);
  const isLost = life.until("BEFORE_LEASE_HOOK_FAILED");
  const end = life.lifecycle.run();
  await isLost;
  life.stop();
  assert.deepEqual(await end, { kind: "stopped" });
  assert.deepEqual(life.trail.at(-1), offline);
  assert.deepEqual(life.told, []);
});

Deno.test("EndSession runs afterLease, then beforeLease for the next, and answers how that went", async () => {
  const life = openLife(
    { beforeLease: "warn", afterLease: "warn" },
    (name, round) =>
      name === "beforeLease" && round === 2 ? failed : name === "afterLease" && round === 1 ? failed : ok,
  );
  const isReady = life.until(ready);
  const end = life.lifecycle.run();
  await isReady;
  assert.equal(await life.lifecycle.endSession(), "[HOOK_WARNING] beforeLease failed");
  const ended = life.lifecycle.endSession();
  assert.equal(await ended, "Ready for commands");
  life.stop();
  await end;
  const next = "AVAILABLE: The session has ended; preparing the next";
  assert.deepEqual(life.trail, [
    before,
    ready,
    after,
    "AVAILABLE: [HOOK_WARNING] afterLease failed",
    before,
    "LEASE_READY: [HOOK_WARNING] beforeLease failed",
    after,
    next,
    before,
    ready,
    after,
    offline,
  ]);
});

Deno.test("EndSession is answered also when the next session cannot begin, or there is none", async () => {
  const retried = openLife({ beforeLease: "endLease" }, (_name, round) => round === 1 ? ok : failed);
  const isReady = retried.until(ready);
  const running = retried.lifecycle.run();
  await isReady;
  assert.equal(await retried.lifecycle.endSession(), "beforeLease failed");
  retried.stop();
  await running;
  for (const onFailure of ["warn", "exit"] as const) {
    const last = openLife({ afterLease: onFailure }, () => failed, { exitOnLeaseEnd: true });
    const isLastReady = last.until(ready);
    const end = last.lifecycle.run();
    await isLastReady;
    assert.match(await last.lifecycle.endSession(), /afterLease failed/);
    assert.equal((await end).kind, onFailure === "warn" ? "stopped" : "hookFailed");
    assert.match(await last.lifecycle.endSession(), /afterLease failed/, "afterwards, too");
  }
});

Deno.test("exit waits until clients have read why, and no longer than it may", async () => {
  for (const reads of [true, false]) {
    const times = { ...quick, lastWord: { withinMs: 60_000, limitMs: reads ? 60_000 : 50 } };
    const client = new AbortController().signal;
    const life = openLife({ beforeLease: "exit" }, () => {
      life.status.read(client);
      return failed;
    }, { times });
    const isLost = life.until("BEFORE_LEASE_HOOK_FAILED");
    let hasEnded = false;
    const end = life.lifecycle.run().finally(() => hasEnded = true);
    await isLost;
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(hasEnded, false);
    if (reads) assert.equal(life.status.read(client).message, "beforeLease failed");
    assert.equal((await end).kind, "hookFailed");
  }
});
