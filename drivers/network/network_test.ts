import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { JumpstarterError } from "../../src/errors.ts";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { bytes, client, code, expectText, openDevice, readAll, say, serveTcp, type } from "./bench_test.ts";
import { NetworkClient } from "./client.ts";
import { network } from "./mod.ts";

Deno.test("the client's half close reaches the device, and the device's answer still comes", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const stream = await client(bench).connect();
  using conn = await device.listener.accept();
  await say(stream, "question");
  await stream.writable.close();
  await expectText(conn, "question");
  assert.equal(await conn.read(new Uint8Array(1)), null);
  await conn.write(bytes("answer"));
  await conn.closeWrite();
  assert.equal(await readAll(stream.readable), "answer");
});

Deno.test("the device's half close reaches the client, who may go on to send", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const stream = await client(bench).connect();
  using conn = await device.listener.accept();
  await conn.write(bytes("banner"));
  await conn.closeWrite();
  assert.equal(await readAll(stream.readable), "banner");
  await say(stream, "afterwards");
  await expectText(conn, "afterwards");
  await stream.writable.close();
  assert.equal(await conn.read(new Uint8Array(1)), null);
});

Deno.test("a device that refuses is unavailable, and the exporter goes on", async () => {
  const { port, listener } = openDevice();
  listener.close();
  await using bench = await serveTcp(port);
  await assert.rejects(client(bench).connect(), (error: JumpstarterError) => {
    assert.equal(error.code, "unavailable");
    assert.equal(error.message, `cannot connect to 127.0.0.1:${port}: connection refused`);
    return true;
  });
  assert.equal(await client(bench).address(), `tcp://127.0.0.1:${port}`);
});

Deno.test("enable_address: false keeps the address, and no other", async () => {
  await using bench = await serveLocally({
    hidden: { type: type("TcpNetwork"), config: { host: "127.0.0.1", port: 22, enable_address: false } },
    pythonic: { type: type("WebsocketNetwork"), config: { url: "ws://127.0.0.1/", enable_address: null } },
    six: { type: type("UdpNetwork"), config: { host: "::1", port: 69 } },
    unknown: { type: type("TcpNetwork"), config: { host: "no-such-host.invalid", port: 1 } },
    socket: { type: type("UnixNetwork"), config: { path: "/nowhere" } },
    web: { type: type("WebsocketNetwork"), config: { url: "wss://user:s3cret@example.org/console" } },
  }, [network]);
  const address = (name: string) => bench.exporter.driver(name, NetworkClient).address();
  await assert.rejects(address("hidden"), code("invalid_argument"));
  await assert.rejects(address("pythonic"), code("invalid_argument"));
  assert.equal(await address("six"), "udp://[::1]:69");
  assert.equal(await address("unknown"), "tcp://no-such-host.invalid:1");
  await assert.rejects(address("socket"), code("not_found"));
  assert.equal(await address("web"), "wss://example.org/console");
});

Deno.test("an echo ends when its sender does", async () => {
  await using bench = await serveLocally({ net: { type: type("EchoNetwork") } }, [network]);
  const stream = await client(bench).connect();
  const echoed = readAll(stream.readable);
  await say(stream, "one ");
  await say(stream, "two");
  await stream.writable.close();
  assert.equal(await echoed, "one two");
});

Deno.test("a Unix socket: half close, refused, and a name that is no socket", async () => {
  const dir = await Deno.makeTempDir();
  await using _dir = { [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
  const path = `${dir}/device.sock`;
  await using bench = await serveLocally({ net: { type: type("UnixNetwork"), config: { path } } }, [network]);
  await assert.rejects(client(bench).connect(), code("unavailable"));
  using listener = Deno.listen({ transport: "unix", path });
  const stream = await client(bench).connect();
  using conn = await listener.accept();
  await say(stream, "ping");
  await stream.writable.close();
  await expectText(conn, "ping");
  assert.equal(await conn.read(new Uint8Array(1)), null);
  await conn.write(bytes("pong"));
  await conn.closeWrite();
  assert.equal(await readAll(stream.readable), "pong");
});

Deno.test("a device that breaks off is an error for the client, and no end", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using _server = { [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())) };
  const { port } = server.address() as AddressInfo;
  await using bench = await serveTcp(port);
  const stream = await client(bench).connect();
  await say(stream, "x");
  await assert.rejects(readAll(stream.readable), (error: JumpstarterError) => {
    assert.equal(error.code, "unavailable");
    assert.equal(error.message, `the connection to 127.0.0.1:${port} broke: connection reset by the other side`);
    return true;
  });
});

Deno.test("a client that gives up closes the device's side", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const stream = await client(bench).connect();
  using conn = await device.listener.accept();
  await say(stream, "x");
  await expectText(conn, "x");
  await stream.readable.cancel();
  assert.equal(await conn.read(new Uint8Array(1)), null);
});

Deno.test("a client that is killed closes the device's side", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const program = fileURLToPath(new URL("../../tests/fixtures/hold_stream.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, String(bench.port), "net"],
    stdin: "null",
  }).spawn();
  using conn = await device.listener.accept();
  await expectText(conn, "x");
  child.kill("SIGKILL");
  await child.status;
  assert.equal(await conn.read(new Uint8Array(1)), null);
});

Deno.test("an exporter that stops closes the device's side", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const stream = await client(bench).connect();
  using conn = await device.listener.accept();
  await say(stream, "x");
  await expectText(conn, "x");
  const read = readAll(stream.readable);
  await Promise.all([assert.rejects(read), bench.stop()]);
  assert.equal(await conn.read(new Uint8Array(1)), null);
});
