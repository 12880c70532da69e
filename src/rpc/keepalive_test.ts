/** Peers that are there and say nothing more, which only pings can tell from those that have nothing to say. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { until } from "../../tests/fixtures/until.ts";
import { type Bench, driverCall, getStatus, listenRaw, openBench, rejectsWith, within } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import { defaultKeepalive, type Keepalive } from "./keepalive.ts";
import type { ConnectedPeer } from "./server.ts";

/** A server, and a channel to it by a wire of this test's own. */
interface Wired extends AsyncDisposable {
  readonly channel: Channel;
  /** The clients that the server has met. */
  readonly peers: readonly ConnectedPeer[];
  /** How many pieces have come from each end. */
  readonly pieces: { client: number; server: number };
  /** From now on neither end hears of the other, and neither is told. */
  fallSilent(): void;
}

async function openWired(keepalive: { client?: Keepalive; server?: Keepalive }): Promise<Wired> {
  const peers: ConnectedPeer[] = [];
  const pieces = { client: 0, server: 0 };
  const ends: Socket[] = [];
  await using stack = new AsyncDisposableStack();
  const handlers = { exporter: { getStatus: () => ({}), driverCall: () => new Promise<never>(() => {}) } };
  const options = { keepalive: keepalive.server, onConnection: (peer: ConnectedPeer) => void peers.push(peer) };
  const { server }: Bench = stack.use(await openBench(handlers, options));
  const to = server.address.kind === "tcp" ? server.address.port : 0;
  const wire = stack.use(
    await listenRaw((client) => {
      const server = connect(to, "127.0.0.1").on("error", () => {});
      client.on("data", () => pieces.client++).pipe(server).on("data", () => pieces.server++).pipe(client);
      ends.push(client, server);
    }),
  );
  stack.defer(() => ends.forEach((end) => end.destroy()));
  const address = { kind: "tcp" as const, host: "127.0.0.1", port: wire.port };
  const channel = stack.use(new Channel({ address, keepalive: keepalive.client }));
  await channel.unary(getStatus, {});
  const owned = stack.move();
  return {
    channel,
    peers,
    pieces,
    fallSilent: () => ends.forEach((end) => end.unpipe().pause()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("a client that answers no more is gone for the server", async () => {
  await using wired = await openWired({ server: { pingMs: 100, answerMs: 500 } });
  wired.fallSilent();
  await within(wired.peers[0]?.closed ?? assert.fail(), "the end of the connection");
});

Deno.test("a server that answers no more is lost to the client, in the midst of a call", async () => {
  await using wired = await openWired({ client: { pingMs: 100, answerMs: 500 } });
  const call = wired.channel.unary(driverCall, {});
  wired.fallSilent();
  await rejectsWith(within(call, "the end of the call"), "connection_lost");
});

Deno.test("peers that have nothing to say are kept for as long as they answer, whichever end pings", async () => {
  const keepalive: Keepalive = { pingMs: 10, answerMs: 20_000 };
  for (const end of ["client", "server"] as const) {
    await using wired = await openWired({ [end]: keepalive });
    const { client, server } = wired.pieces;
    await until("pings and answers", () => wired.pieces.client > client + 5 && wired.pieces.server > server + 5);
    await wired.channel.unary(getStatus, {});
    assert.equal(wired.peers.length, 1, "it is still the first connection");
  }
});

Deno.test("by default the dead are noticed within 30 s, and the Python implementation permits the pings", () => {
  const { pingMs, answerMs } = defaultKeepalive;
  assert.ok(pingMs + answerMs <= 25_000, "what is noticed has to be told as well");
  assert.ok(pingMs > 10_000, "it ends the connection of whoever pings more often");
});
