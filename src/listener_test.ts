import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { until } from "../tests/fixtures/until.ts";
import type { Address, TcpAddress } from "./address.ts";
import { JumpstarterError } from "./errors.ts";
import { Listener } from "./listener.ts";

const loopback: TcpAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };
const strict = { sanitizeOps: true, sanitizeResources: true };

/** Asserts that an address cannot be had, and answers how that is told. */
async function refusal(address: Address): Promise<JumpstarterError> {
  const error: unknown = await Listener.open(address).then(() => assert.fail("it listens"), (error: unknown) => error);
  if (!(error instanceof JumpstarterError)) throw error;
  assert.equal(error.code, "listen");
  return error;
}

/** A client that has connected. */
async function clientOf({ address }: Listener): Promise<Socket> {
  const client = connect(address.kind === "tcp" ? { host: "127.0.0.1", port: address.port } : { path: address.path });
  await once(client, "connect");
  return client;
}

Deno.test("a port in use is told with the address and what to do", async () => {
  await using first = await Listener.open(loopback);
  if (first.address.kind !== "tcp") throw new Error("not TCP");
  const { port } = first.address;
  const { message, hint } = await refusal({ ...loopback, port });
  assert.match(message, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port}: the address is in use`));
  assert.match(hint ?? "", /another port/);
  await refusal({ kind: "tcp", port });
});

Deno.test("an address that is not this machine's, a name that is none, and a socket where none can be", async () => {
  assert.match((await refusal({ ...loopback, host: "192.0.2.1" })).message, /192\.0\.2\.1:0: ./);
  assert.match((await refusal({ ...loopback, host: "no-such-host.invalid" })).message, /no-such-host\.invalid/);
  assert.match(
    (await refusal({ kind: "unix", path: "/no/such/folder/x.sock" })).message,
    /\/no\/such\/folder\/x\.sock/,
  );
});

Deno.test("who connects before anyone serves is served first, with what it has said meanwhile", strict, async () => {
  await using listener = await Listener.open(loopback);
  const early = await clientOf(listener);
  early.write("early");
  const served: Socket[] = [];
  const said = new Promise<string>((resolve) => {
    // Nothing tells that a connection waits, so it is served when it comes: at the latest with the one after it.
    listener.serve((socket) => {
      if (served.push(socket) === 1) socket.once("data", (bytes) => resolve(String(bytes)));
    }, assert.fail);
  });
  const late = await clientOf(listener);
  assert.equal(await said, "early");
  for (const socket of [early, late, ...served]) socket.destroy();
});

Deno.test("who waits is let go when nobody comes to serve, and nothing of a Unix socket is left", strict, async () => {
  const dir = await Deno.makeTempDir();
  for (const address of [loopback, { kind: "unix", path: `${dir}/waiting.sock` } as const]) {
    const listener = await Listener.open(address);
    const client = await clientOf(listener);
    client.on("error", () => {/* a reset is an end as well */});
    const closed = new Promise((resolve) => client.resume().once("close", resolve));
    await listener[Symbol.asyncDispose]();
    await closed;
  }
  await Deno.remove(dir);
});

Deno.test("more than a hundred do not wait, and who has gone takes no place", async () => {
  await using listener = await Listener.open(loopback);
  const clients = await Promise.all(Array.from({ length: 150 }, () => clientOf(listener)));
  await Promise.all(clients.slice(0, 50).map((client) => once(client.resume().end(), "close")));
  const rest = await Promise.all(Array.from({ length: 20 }, () => clientOf(listener)));
  const served = new Set<Socket>();
  listener.serve((socket) => void served.add(socket), assert.fail);
  await until("the fifty who still wait and the twenty new ones are served", () => served.size >= 70);
  assert.equal(served.size, 70);
  for (const socket of [...clients, ...rest, ...served]) socket.destroy();
});

Deno.test("who has said something and gone is not served, and takes no place", async () => {
  const trial = async () => {
    await using listener = await Listener.open(loopback);
    const gone = await Promise.all(Array.from({ length: 100 }, () => clientOf(listener)));
    await Promise.all(gone.map((client) => new Promise<void>((resolve) => client.end("early", resolve))));
    const stays = await clientOf(listener);
    stays.on("error", () => {/* its close says the same */}).resume().write("here");
    const served: string[] = [];
    const taken = new Set<Socket>();
    listener.serve((socket) => {
      taken.add(socket);
      socket.once("data", (bytes) => void served.push(String(bytes)));
    }, assert.fail);
    await until("somebody is served, or turned away", () => served.length > 0 || stays.destroyed);
    for (const socket of [...gone, stays, ...taken]) socket.destroy();
    return served.join();
  };
  // Nothing tells when the listener has learnt of the ends, so a trial may come too early.
  for (let left = 50; await trial() !== "here"; left--) assert.ok(left > 0, "those who have gone are still there");
});
