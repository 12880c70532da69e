/** Sessions that begin and end with their clients, and what ends with them. */
import assert from "node:assert/strict";
import { after, before, failed, interrupted, offline, ok, openLife, ready } from "./lifecycle_bench_test.ts";

const waiting = "AVAILABLE: Waiting for a client";
const waitingAgain = "AVAILABLE: The session has ended; waiting for a client";

Deno.test("scope session: both hooks run around each client's session, with its name", async () => {
  let times = 0;
  const life = openLife({ scope: "session", beforeLease: "warn", afterLease: "warn" }, () => ok, {
    onReady: () => void times++,
  });
  const end = life.lifecycle.run();
  for (const name of ["anna", "bert"]) {
    const isReady = life.until("LEASE_READY");
    const isOver = life.until(waitingAgain);
    life.lifecycle.clientCalls(name);
    assert.match(life.trail.at(-1) ?? "", /^BEFORE_LEASE_HOOK/, "before the client is answered");
    life.lifecycle.clientCalls("another");
    await isReady;
    life.lifecycle.clientsGone();
    await isOver;
  }
  assert.equal(await life.lifecycle.endSession(), waitingAgain.slice("AVAILABLE: ".length), "there is none to end");
  life.stop();
  assert.deepEqual(await end, { kind: "stopped" });
  const session = [before, ready, after, waitingAgain];
  assert.deepEqual(life.trail, [waiting, ...session, ...session, offline]);
  assert.deepEqual(life.names, [
    "beforeLease of anna",
    "afterLease of anna",
    "beforeLease of bert",
    "afterLease of bert",
  ]);
  assert.equal(times, 3, "each time that a client may come");
});

Deno.test("scope session: EndSession ends it, and the next begins with the next call", async () => {
  const life = openLife({ scope: "session", afterLease: "warn" }, () => ok);
  const end = life.lifecycle.run();
  life.lifecycle.clientCalls("anna");
  assert.deepEqual(life.trail, [waiting, ready], "without a beforeLease it is ready at once");
  assert.equal(await life.lifecycle.endSession(), "The session has ended; waiting for a client");
  life.lifecycle.clientCalls("anna");
  life.stop();
  await end;
  assert.deepEqual(life.trail, [waiting, ready, after, waitingAgain, ready, after, offline]);
});

Deno.test("scope session: clients that go while beforeLease runs end it, and afterLease is told", async () => {
  const life = openLife({ scope: "session", beforeLease: "exit", afterLease: "warn" }, (name) => {
    if (name === "afterLease") return ok;
    queueMicrotask(() => life.lifecycle.clientsGone());
    const ended = life.sessions.at(-1);
    return new Promise((resolve) => ended?.addEventListener("abort", () => resolve(interrupted)));
  });
  const end = life.lifecycle.run();
  const isOver = life.until(waitingAgain);
  life.lifecycle.clientCalls("anna");
  await isOver;
  life.stop();
  await end;
  assert.deepEqual(life.told, ["interrupted"]);
  assert.deepEqual(life.trail, [waiting, before, after, waitingAgain, offline]);
});

Deno.test("scope session: after endLease, and a pause, the next client is waited for", async () => {
  const life = openLife({ scope: "session", beforeLease: "endLease", afterLease: "warn" }, () => failed);
  const end = life.lifecycle.run();
  const isRetried = life.until(waiting);
  life.lifecycle.clientCalls("anna");
  await isRetried;
  const isLost = life.until("BEFORE_LEASE_HOOK_FAILED");
  life.lifecycle.clientCalls("bert");
  await isLost;
  life.stop();
  await end;
  const lost = "BEFORE_LEASE_HOOK_FAILED: beforeLease failed";
  assert.deepEqual(life.trail, [waiting, before, lost, waiting, before, lost, offline]);
  assert.deepEqual(life.told, [], "what has not begun is not tidied up");
});

for (const kind of ["EndSession", "stop"] as const) {
  Deno.test(`${kind}: the calls of clients end before afterLease begins, and no other is let in meanwhile`, async () => {
    const life = openLife({ afterLease: "warn" }, () => {
      life.trail.push("the hook runs");
      return ok;
    }, {
      async endCalls({ code }) {
        life.trail.push(`calls end: ${code}`);
        await new Promise((resolve) => setTimeout(resolve));
        life.trail.push("calls have ended");
      },
    });
    const isReady = life.until(ready);
    const end = life.lifecycle.run();
    await isReady;
    if (kind === "stop") life.stop();
    else await life.lifecycle.endSession();
    const code = kind === "stop" ? "connection_lost" : "not_ready";
    if (kind === "EndSession") assert.equal(life.trail.pop(), ready);
    if (kind === "EndSession") assert.match(life.trail.pop() ?? "", /^AVAILABLE/);
    life.stop();
    await end;
    assert.deepEqual(life.trail.slice(0, 5), [ready, after, `calls end: ${code}`, "calls have ended", "the hook runs"]);
  });
}

Deno.test("scope session: an error that is no outcome of a hook ends the exporter, which does not wait for ever", async () => {
  const life = openLife({ scope: "session", beforeLease: "warn" }, () => Promise.reject(new Error("unforeseen")));
  const end = life.lifecycle.run();
  life.lifecycle.clientCalls("anna");
  await assert.rejects(end, /unforeseen/);
});
