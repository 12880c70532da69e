import assert from "node:assert/strict";
import { until } from "../../tests/fixtures/until.ts";
import { Listener } from "../listener.ts";
import * as pb from "../../proto/mod.ts";
import { call, callStream, openStream } from "../driver/mod.ts";
import { Channel, holdKey, openFrameStream, serve } from "../rpc/mod.ts";
import { ChangeBell } from "./change_bell.ts";
import { ClientList } from "./client_list.ts";
import { bareNode, context, rejectsWith } from "./bench_test.ts";
import { directService } from "./direct_service.ts";
import { LogFeed } from "./log_feed.ts";
import { exporterServices } from "./service.ts";
import { Session } from "./session.ts";
import { Sharing } from "./sharing.ts";
import { StatusBoard } from "./status_board.ts";

const { driverCall, streamingDriverCall, getReport, getStatus, logStream, endSession } = pb.ExporterService.method;
const { followInfo, getInfo, hold } = pb.DirectService.method;

/** An exporter with one driver, behind a socket for clients and one for its own children. */
async function openService(passphrase?: string) {
  const { node } = bareNode({
    on: call({ run: () => "on" }),
    last: call({
      concurrent: true,
      run: (_device, _args, { signal }) => new Promise((resolve) => signal.onabort = () => resolve(1)),
    }),
    read: callStream({
      concurrent: true,
      async *run(_device, _args, { signal }) {
        yield 1;
        await new Promise((resolve) => signal.onabort = resolve);
      },
    }),
    connect: openStream({
      run: () => {
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
        return { readable, writable };
      },
    }),
  });
  const bell = new ChangeBell(), clients = new ClientList(bell.ring);
  const status = new StatusBoard(() => bell.ring({ kind: "status" })), sharing = new Sharing(bell.ring);
  const feed = new LogFeed(), stopped = new AbortController();
  status.set(pb.ExporterStatus.LEASE_READY, "Ready for commands");
  const common = { name: "bench", uuid: "the-exporter", motd: () => undefined, root: node, status, feed };
  const session = new Session({
    ...common,
    sharing,
    stopped: stopped.signal,
    endSession: () => Promise.resolve("next"),
  });
  const direct = directService({
    sharing,
    status,
    clients,
    bell,
    exclusive: true,
    stopped: stopped.signal,
    startedAt: new Date(5_000),
  });
  const services = [...exporterServices(session), direct];
  const address = { kind: "tcp" as const, host: "127.0.0.1", port: 0 };
  const server = serve({
    listener: await Listener.open(address),
    services,
    log: context.log,
    passphrase,
    onConnection: (peer) => clients.add(peer),
  });
  const trusted = serve({ listener: await Listener.open(address), services, log: context.log, isTrusted: true });
  const channels: Channel[] = [];
  const connect = (to = server, token?: string) => {
    const channel = new Channel({ address: to.address });
    if (token !== undefined) channel.present(holdKey, token);
    channels.push(channel);
    return channel;
  };
  return {
    uuid: node.uuid,
    sharing,
    status,
    stopped,
    connect,
    connectHook: () => connect(trusted),
    async [Symbol.asyncDispose]() {
      stopped.abort();
      for (const channel of channels) channel[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
      await trusted[Symbol.asyncDispose]();
    },
  };
}

const annsToken = "ann-0123456789abcdef", evesToken = "eve-0123456789abcdef";

/** Asks to hold, and answers what comes of it, one by one. */
function claim(channel: Channel, token: string, how: { wait?: boolean; steal?: boolean } = {}) {
  const responses = channel.serverStream(hold, { name: token.slice(0, 3), token, ...how });
  return { next: async () => (await responses.next()).value, end: () => responses.return(undefined) };
}

Deno.test("others can look while somebody holds the devices, and do nothing else", async () => {
  await using service = await openService();
  const { uuid, connect } = service;
  const ann = claim(connect(), annsToken);
  assert.equal((await ann.next())?.state, pb.HoldState.HELD);
  const bob = connect();
  const raw = (request: unknown) =>
    bob.duplex(pb.RouterService.method.stream, { request: JSON.stringify(request) }).metadata();
  const refused = [
    bob.unary(driverCall, { uuid, method: "on" }),
    Array.fromAsync(bob.serverStream(streamingDriverCall, { uuid, method: "read" })),
    raw({ kind: "driver", uuid, method: "connect" }),
    raw({ kind: "resource", uuid }),
    bob.unary(endSession, {}),
    claim(bob, evesToken).next(),
  ];
  for (const { message } of await Promise.all(refused.map((one) => rejectsWith(one, "busy")))) {
    assert.match(message, /^busy: held by ann from 127\.0\.0\.1:\d+ since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
  await bob.unary(getReport, {});
  await bob.unary(getStatus, {});
  const lines = bob.serverStream(logStream, {});
  void lines.next().catch(() => {});
  const info = await bob.unary(getInfo, {});
  assert.deepEqual([info.holder?.name, info.waiting, info.uses], ["ann", 0, []]);
  assert.equal(info.startedAt && pb.timestampDate(info.startedAt).getTime(), 5_000);
  assert.ok(!JSON.stringify(info, (_key, value) => typeof value === "bigint" ? `${value}` : value).includes(annsToken));
});

Deno.test("the holder's key opens further connections, and hooks need none", async () => {
  await using service = await openService();
  const { uuid, connect, connectHook } = service;
  const ann = claim(connect(), annsToken);
  await ann.next();
  for (const channel of [connect(undefined, annsToken), connectHook()]) {
    await channel.unary(driverCall, { uuid, method: "on" });
  }
  await rejectsWith(connect(undefined, `${annsToken}x`).unary(driverCall, { uuid, method: "on" }), "busy");
});

Deno.test("a hold goes with its connection", async () => {
  await using service = await openService();
  const { uuid, connect } = service;
  const holding = connect();
  const ann = claim(holding, annsToken);
  await ann.next();
  const bob = claim(connect(), "bob-0123456789abcdef", { wait: true });
  const waiting = await bob.next();
  assert.deepEqual([waiting?.state, waiting?.other?.name], [pb.HoldState.WAITING, "ann"]);
  const ends = ann.next();
  holding[Symbol.dispose]();
  await rejectsWith(ends, "cancelled");
  assert.equal((await bob.next())?.state, pb.HoldState.HELD);
  await rejectsWith(connect(undefined, annsToken).unary(driverCall, { uuid, method: "on" }), "busy");
});

Deno.test("a take-over ends what the others have under way, and tells them who it was", async () => {
  await using service = await openService();
  const { uuid, connect, sharing } = service;
  const anns = connect(undefined, annsToken);
  const ann = claim(anns, annsToken);
  await ann.next();
  const unary = anns.unary(driverCall, { uuid, method: "last" });
  const values = anns.serverStream(streamingDriverCall, { uuid, method: "read" });
  await values.next();
  const duplex = anns.duplex(pb.RouterService.method.stream, {
    request: JSON.stringify({ kind: "driver", uuid, method: "connect" }),
  });
  const stream = openFrameStream(duplex);
  await duplex.metadata();
  const reader = stream.readable.getReader();
  const ends = [values.next(), reader.read()].map((end) => rejectsWith(end, "busy"));
  await until("all three are under way", () => sharing.uses.length === 3);
  const eve = claim(connect(), evesToken, { steal: true });
  const taken = eve.next();
  for (const { message } of await Promise.all(ends)) {
    assert.match(message, /^the devices were taken over by eve from 127\.0\.0\.1:\d+$/);
  }
  await unary;
  const lost = await ann.next();
  assert.deepEqual([lost?.state, lost?.other?.name], [pb.HoldState.LOST, "eve"]);
  let answer = await taken;
  while (answer?.state === pb.HoldState.WAITING) answer = await eve.next();
  assert.equal(answer?.state, pb.HoldState.HELD);
  assert.match((await rejectsWith(anns.unary(driverCall, { uuid, method: "on" }), "busy")).message, /held by eve from/);
  assert.deepEqual(sharing.uses, []);
});

Deno.test("a hold ends with an error when the exporter stops, so that its client looks for it again", async () => {
  await using service = await openService();
  const ann = claim(service.connect(), annsToken);
  await ann.next();
  service.stopped.abort();
  await rejectsWith(ann.next(), "unavailable");
});

Deno.test("a token that could be guessed is refused, and never repeated", async () => {
  await using service = await openService();
  for (const token of ["", "short", "a b c d e f g h i j", "x".repeat(129)]) {
    const { message } = await rejectsWith(claim(service.connect(), token).next(), "invalid_argument");
    assert.ok(token === "" || !message.includes(token));
  }
});

Deno.test("a client's name cannot pass for anything else", async () => {
  await using service = await openService();
  const channel = service.connect();
  const name = "\u001b[2Jann\nroot\u0007" + "x".repeat(100);
  const responses = channel.serverStream(hold, { name, token: annsToken });
  await responses.next();
  assert.match(service.sharing.holds.holder?.name ?? "", /^\[2Jannrootx{10,56}$/);
});

Deno.test("who follows is told of every change, with all that there is then", async () => {
  await using service = await openService();
  const infos = service.connect().serverStream(followInfo, {});
  const until = async (what: string, isSo: (info: pb.GetInfoResponse) => boolean): Promise<pb.GetInfoResponse> => {
    for (;;) {
      const { value } = await infos.next();
      if (value === undefined) assert.fail(`the stream has ended without ${what}`);
      if (value.info !== undefined && isSo(value.info)) return value.info;
    }
  };
  await until("this client", ({ clients }) => clients.length === 1);
  const other = service.connect();
  const ann = claim(other, annsToken);
  await ann.next();
  const held: pb.GetInfoResponse = await until(
    "a holder",
    ({ holder, clients }) => holder?.name === "ann" && clients.length === 2,
  );
  assert.equal(held.clients.some(({ address }) => address === held.holder?.address), true);
  service.status.set(pb.ExporterStatus.AFTER_LEASE_HOOK, "tidying up");
  await until("the status", ({ statusMessage }) => statusMessage === "tidying up");
  other[Symbol.dispose]();
  await until("an end of the hold", ({ holder, clients }) => holder === undefined && clients.length === 1);
  service.stopped.abort();
  await rejectsWith(until("an end", () => false), "unavailable");
});

Deno.test("who has no passphrase can neither look nor hold", async () => {
  await using service = await openService("open-sesame-7");
  const channel = service.connect();
  const tries = [
    channel.unary(getInfo, {}),
    channel.serverStream(followInfo, {}).next(),
    claim(channel, annsToken).next(),
    claim(channel, annsToken, { steal: true }).next(),
  ];
  await Promise.all(tries.map((one) => rejectsWith(one, "unauthenticated")));
  assert.equal(service.sharing.holds.holder, undefined);
});
