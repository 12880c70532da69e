import assert from "node:assert/strict";
import { ExporterStatus } from "../../proto/mod.ts";
import type { HookConfig } from "../config/mod.ts";
import type { HookOutcome } from "../hooks/mod.ts";
import { type BeforeLease, type HookName, Lifecycle, type LifecycleEnd, type LifecycleParts } from "./lifecycle.ts";
import { StatusBoard } from "./status_board.ts";

type OnFailure = HookConfig["onFailure"];

const ok: HookOutcome = { kind: "ok", durationMs: 1 };
const failed: HookOutcome = { kind: "failed", exitCode: 3, lines: [] };
const interrupted: HookOutcome = { kind: "interrupted", lines: [] };
const hook = (onFailure: OnFailure): HookConfig => ({ script: "x", timeoutMs: 1_000, onFailure });
const quick = { retryPause: { firstMs: 10, mostMs: 40 }, lastWord: { withinMs: 1_000, limitMs: 2_000 } };

/** A lifecycle whose hooks end as it is told, and whose every status is noted. */
function openLife(
  onFailure: { beforeLease?: OnFailure; afterLease?: OnFailure },
  runHook: (name: HookName, round: number) => HookOutcome | Promise<HookOutcome>,
  more: Partial<LifecycleParts> = {},
) {
  const trail: string[] = [], told: (BeforeLease | undefined)[] = [];
  const stop = new AbortController(), status = new StatusBoard();
  const set = status.set.bind(status);
  const reached = new Map<string, () => void>();
  status.set = (state, message) => {
    set(state, message);
    const entry = `${ExporterStatus[state]}: ${message}`;
    trail.push(entry);
    for (const [prefix, resolve] of reached) if (entry.startsWith(prefix)) resolve();
  };
  const rounds = { beforeLease: 0, afterLease: 0 };
  const { beforeLease, afterLease } = onFailure;
  const lifecycle = new Lifecycle({
    hooks: {
      beforeLease: beforeLease && hook(beforeLease),
      afterLease: afterLease && hook(afterLease),
    },
    status,
    stopping: stop.signal,
    exitOnLeaseEnd: false,
    nextClient: () => new Promise(() => {}),
    onReady: () => {},
    times: quick,
    async runHook(name, _hook, before) {
      if (name === "afterLease") told.push(before);
      const outcome = await runHook(name, ++rounds[name]);
      return { outcome, reason: `${name} ${outcome.kind}` };
    },
    ...more,
  });
  return {
    lifecycle,
    status,
    trail,
    /** What afterLease was told of beforeLease. */
    told,
    stop: () => stop.abort(),
    /** Waits for the next status that begins with `prefix`. */
    until: (prefix: string) =>
      new Promise<void>((resolve) =>
        reached.set(prefix, () => {
          reached.delete(prefix);
          resolve();
        })
      ),
  };
}

const before = "BEFORE_LEASE_HOOK: The beforeLease hook is running";
const after = "AFTER_LEASE_HOOK: The afterLease hook is running";
const ready = "LEASE_READY: Ready for commands";
const offline = "OFFLINE: The exporter has stopped";

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
    const life = openLife({ beforeLease: "exit" }, () => {
      life.status.read("client:1");
      return failed;
    }, { times });
    const isLost = life.until("BEFORE_LEASE_HOOK_FAILED");
    let hasEnded = false;
    const end = life.lifecycle.run().finally(() => hasEnded = true);
    await isLost;
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(hasEnded, false);
    if (reads) assert.equal(life.status.read("client:1").message, "beforeLease failed");
    assert.equal((await end).kind, "hookFailed");
  }
});
