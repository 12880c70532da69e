import assert from "node:assert/strict";
import { ExporterStatus } from "../../proto/mod.ts";
import { call, callStream, openStream } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { bareNode, rejectsWith } from "./bench_test.ts";
import { LogFeed } from "./log_feed.ts";
import type { Caller } from "./caller.ts";
import { Session, type SessionParts } from "./session.ts";
import { ResourceTable } from "./resources.ts";
import { Sharing } from "./sharing.ts";
import { StatusBoard } from "./status_board.ts";

const caller = (more: Partial<Caller> = {}): Caller => ({
  signal: new AbortController().signal,
  connectionClosed: new AbortController().signal,
  peer: "192.0.2.7:1",
  isTrusted: false,
  ...more,
});

function openSession(more: Partial<SessionParts> = {}) {
  const status = new StatusBoard(), stopped = new AbortController(), seen: AbortSignal[] = [];
  const { node } = bareNode({
    on: call({ run: (_device, _args, { signal }) => void seen.push(signal) }),
    read: callStream({ run: () => [1, 2] }),
    connect: openStream({ run: () => ({ readable: new ReadableStream(), writable: new WritableStream() }) }),
  });
  const feed = new LogFeed();
  const session = new Session({
    name: "bench",
    uuid: "exporter",
    motd: () => undefined,
    root: node,
    status,
    feed,
    stopped: stopped.signal,
    endSession: () => Promise.resolve("ended"),
    ...more,
  });
  return { session, status, stopped, seen, feed, uuid: node.uuid };
}

/** Each way to reach a driver. */
const ways: Record<string, (session: Session, uuid: string, caller: Caller) => Promise<unknown>> = {
  call: (session, uuid, caller) => session.call(uuid, "on", [], caller),
  callStream: async (session, uuid, caller) => await Array.fromAsync(session.callStream(uuid, "read", [], caller)),
  openStream: (session, uuid, caller) => session.openStream(uuid, "connect", caller),
  openResource: async (session, uuid, caller) => {
    using resource = await session.openResource(uuid, null, caller);
    return resource.handle;
  },
};

const { LEASE_READY, BEFORE_LEASE_HOOK, AFTER_LEASE_HOOK } = ExporterStatus;
const states = Object.values(ExporterStatus).filter((state): state is ExporterStatus => typeof state === "number");

for (const [way, reach] of Object.entries(ways)) {
  for (const isTrusted of [false, true]) {
    Deno.test(`${way} by ${isTrusted ? "a hook" : "a client"} is let in only in its states`, async () => {
      for (const state of states) {
        const { session, status, uuid, seen } = openSession();
        status.set(state, "because it is so");
        const isOpen = state === LEASE_READY || (isTrusted && [BEFORE_LEASE_HOOK, AFTER_LEASE_HOOK].includes(state));
        const outcome = reach(session, uuid, caller({ isTrusted }));
        if (isOpen) await outcome;
        else {
          const { message } = await rejectsWith(outcome, "not_ready");
          assert.match(message, new RegExp(`\\(${ExporterStatus[state]}\\): because it is so`));
          assert.equal(seen.length, 0, "the driver is not touched");
        }
      }
    });
  }
}

Deno.test("an id that is none, and one that nobody has, are told apart", async () => {
  const { session, status, uuid } = openSession();
  status.set(LEASE_READY, "");
  for (const reach of Object.values(ways)) {
    for (const bad of ["", "power", "../..", `${uuid}0`]) {
      await rejectsWith(reach(session, bad, caller()), "invalid_argument");
    }
    await rejectsWith(reach(session, "00000000-0000-4000-8000-00000000000f", caller()), "not_found");
    await reach(session, uuid.toUpperCase(), caller());
  }
});

Deno.test("a call's signal fires when its client goes, when its driver does, and when the exporter stops", async () => {
  const removed = new AbortController();
  const { node } = bareNode({
    wait: call({
      concurrent: true,
      run: (_device, _args, { signal }) => new Promise((_, reject) => signal.onabort = () => reject(signal.reason)),
    }),
  });
  const { session, status, stopped } = openSession({ root: { ...node, removed: removed.signal } });
  status.set(LEASE_READY, "");
  const client = new AbortController(), ended: string[] = [];
  const wait = (name: string, given: Caller) =>
    session.call(node.uuid, "wait", [], given).catch(() => ended.push(name));
  const goes = wait("goes", caller({ signal: client.signal }));
  const stays = wait("stays", caller());
  client.abort();
  await goes;
  removed.abort();
  await stays;
  const late = wait("late", caller({ isTrusted: true }));
  await late; // its driver is removed already
  assert.deepEqual(ended, ["goes", "stays", "late"]);
  session.useDrivers(node);
  const last = wait("last", caller({ isTrusted: true }));
  stopped.abort();
  await last;
});

Deno.test("a call's signal fires at the end of the call in any case, and that of its client does not end others", async () => {
  const { session, status, seen, uuid } = openSession();
  status.set(LEASE_READY, "");
  const given = caller();
  await session.call(uuid, "on", [], given);
  assert.deepEqual(seen.map(({ aborted }) => aborted), [true]);
  assert.equal(given.signal.aborted, false);
});

Deno.test("what a client leaves for its later calls ends with its connection, its session and the exporter", async () => {
  const stays: AbortSignal[] = [];
  const { node } = bareNode({ stay: call({ run: (_device, _args, { clientGone }) => void stays.push(clientGone) }) });
  const { session, status, stopped } = openSession({ root: node });
  status.set(LEASE_READY, "");
  const stay = async (more: Partial<Caller> = {}) => {
    await session.call(node.uuid, "stay", [], caller(more));
    return stays.at(-1) ?? assert.fail();
  };
  const given = new AbortController(), connection = new AbortController();
  const first = await stay({ signal: given.signal, connectionClosed: connection.signal });
  const second = await stay();
  given.abort();
  assert.deepEqual([first.aborted, second.aborted], [false, false], "a call has ended");
  connection.abort();
  assert.deepEqual([first.aborted, second.aborted], [true, false], "a connection is closed");
  await session.endCalls(new JumpstarterError("not_ready", "the session has ended"), 1_000);
  assert.equal(second.aborted, true, "the session has ended");
  const third = await stay();
  assert.equal(third.aborted, false, "the next session");
  stopped.abort();
  assert.equal(third.aborted, true, "the exporter stops");
});

Deno.test("the end of a session waits for calls that do not end, and no longer than it may or than it is let", async () => {
  const begun = Promise.withResolvers<void>(), release = Promise.withResolvers<void>();
  const ignore = async () => {
    begun.resolve();
    await release.promise;
    return "done";
  };
  const { node } = bareNode({ ignore: call({ run: ignore }) });
  const { session, status } = openSession({ root: node });
  status.set(LEASE_READY, "");
  const reason = new JumpstarterError("not_ready", "the session has ended");
  const ignored = session.call(node.uuid, "ignore", [], caller());
  await begun.promise;
  assert.deepEqual(await session.endCalls(reason, 1), ["rack.bare.ignore"]);
  const hurry = AbortSignal.timeout(1);
  assert.deepEqual(await session.endCalls(reason, 60_000, hurry), ["rack.bare.ignore"]);
  const waited = session.endCalls(reason, 60_000);
  release.resolve();
  assert.equal(await ignored, "done");
  assert.deepEqual(await waited, []);
});

Deno.test("the report has the exporter's name, whatever it is, and the present message of the day", () => {
  for (const name of ["bench", "Prüfstand 7 \u{1f50c}", "__proto__", "a=b,c", ""]) {
    let motd: string | undefined = undefined;
    const { session } = openSession({ name, motd: () => motd });
    assert.deepEqual(session.report(caller()).labels, { "jumpstarter.dev/name": name });
    assert.equal(session.report(caller()).motd, undefined);
    motd = "hello";
    assert.equal(session.report(caller()).motd, "hello");
    assert.equal(session.report(caller()).reports.length, 1);
  }
});

Deno.test("status, logs and the end of a session are open to everyone at any time", async () => {
  const { session, status, stopped, feed } = openSession();
  status.set(ExporterStatus.BEFORE_LEASE_HOOK_FAILED, "no power");
  assert.equal(session.status(caller()).message, "no power");
  assert.equal(await session.endSession(caller()), "ended");
  feed.push({ time: new Date(), severity: "INFO", message: "line", source: "system" });
  const lines = Array.fromAsync(session.logs(caller()));
  stopped.abort();
  assert.deepEqual((await lines).map(({ message }) => message), ["line"]);
});

Deno.test("a hook is told that it may go on, and is shown no lines of hooks", async () => {
  const { session, status, stopped, feed } = openSession();
  const hook = caller({ isTrusted: true });
  for (const state of states) {
    status.set(state, "words");
    const isHookTime = state === BEFORE_LEASE_HOOK || state === AFTER_LEASE_HOOK;
    assert.deepEqual(session.status(hook), { ...status.current, status: isHookTime ? LEASE_READY : state });
    assert.deepEqual(session.status(caller()), status.current);
  }
  for (const source of ["system", "beforeLease", "driver", "afterLease"] as const) {
    feed.push({ time: new Date(), severity: "INFO", message: source, source });
  }
  const lines = Array.fromAsync(session.logs(hook));
  stopped.abort();
  assert.deepEqual((await lines).map(({ message }) => message), ["system", "driver"]);
});

Deno.test("the end of a session ends what clients have running, and nothing of a hook's", async () => {
  const begun = Promise.withResolvers<void>();
  const { node } = bareNode({
    wait: call({
      concurrent: true,
      run(_device, _args, { signal }) {
        begun.resolve();
        return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    }),
  });
  const { session, status, stopped } = openSession({ root: node });
  status.set(LEASE_READY, "");
  const ofClient = rejectsWith(session.call(node.uuid, "wait", [], caller()), "not_ready");
  const hook = caller({ isTrusted: true });
  const ofHook = rejectsWith(session.call(node.uuid, "wait", [], hook), "connection_lost");
  await begun.promise;
  assert.deepEqual(await session.endCalls(new JumpstarterError("not_ready", "the session has ended"), 60_000), []);
  assert.match((await ofClient).message, /^rack\.bare\.wait was cancelled: the session has ended$/);
  assert.deepEqual(await session.callsEnded(1), ["rack.bare.wait"], "the hook's still runs");
  stopped.abort(new JumpstarterError("connection_lost", "The exporter has stopped"));
  await ofHook;
  assert.deepEqual(await session.callsEnded(60_000), []);
});

Deno.test("a file that cannot be opened leaves no use behind", async () => {
  const sharing = new Sharing();
  const { session, status, uuid } = openSession({ sharing });
  status.set(LEASE_READY, "");
  const { open } = ResourceTable.prototype;
  ResourceTable.prototype.open = () => Promise.reject(new Error("no codec"));
  try {
    await assert.rejects(session.openResource(uuid, "zstd", caller()), /no codec/);
  } finally {
    ResourceTable.prototype.open = open;
  }
  assert.deepEqual(sharing.uses, []);
});
