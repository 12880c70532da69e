import assert from "node:assert/strict";
import { until } from "../../tests/fixtures/until.ts";
import { PseudoBoard } from "../../tests/fixtures/pseudo_board.ts";
import { Logger, type LogRecord } from "../../src/log.ts";
import { failsWith, Listener } from "./bench_test.ts";
import { type SerialConfig, SerialDevice } from "./serial_device.ts";
import { SocketPort } from "./socket_port.ts";

/** Starts the device of a port that need not be there. */
function start(path: string, more: Partial<SerialConfig> = {}, records: LogRecord[] = []): Promise<SerialDevice> {
  const config = {
    url: { kind: "device", path },
    baudrate: 115_200,
    check_present: false,
    disable_hupcl: false,
  } as const;
  return SerialDevice.start({ ...config, ...more }, new Logger((record) => records.push(record)));
}

Deno.test("a slow reader makes the board wait", async () => {
  await using board = await PseudoBoard.open();
  await using device = await start(board.path);
  const { readable } = await device.connect("both");
  const chunk = new Uint8Array(64 * 1024).fill(7);
  let sent = 0;
  // Nothing tells that a port takes no more, but that it has not for a while.
  for (let idle = 0; idle < 100; idle++) {
    const count = board.sendSome(chunk);
    sent += count;
    if (count > 0) idle = 0;
    assert.ok(sent < 64 * 1024 * 1024, "64 MiB went somewhere");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  let received = 0;
  for await (const { length } of readable) {
    received += length;
    if (received === sent) break;
  }
});

Deno.test("a board that takes nothing makes the sender wait, and does not keep it from leaving", async () => {
  await using board = await PseudoBoard.open();
  await using device = await start(board.path);
  board.takes = false;
  const { readable, writable } = await device.connect("both");
  const writer = writable.getWriter();
  let sent = 0;
  const sending = (async () => {
    for (; sent < 512; sent++) await writer.write(new Uint8Array(64 * 1024));
  })();
  sending.catch(() => {});
  await until("it waits", async () => { // which is told by nothing but time
    const before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return sent === before;
  });
  assert.ok(sent < 512, "32 MiB went somewhere");
  await readable.cancel();
  board.takes = true;
  const next = new Listener(await device.connect("both"));
  await board.send("x");
  await next.see("x");
  await next.leave();
});

/** A terminal server: it listens, and each connection is the test's to serve. */
function openServer() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    listener,
    url: { kind: "socket" as const, host: "127.0.0.1", port: listener.addr.port },
    [Symbol.dispose]: () => listener.close(),
  };
}

async function* iterate(conn: Deno.Conn): AsyncIterable<Uint8Array> {
  const buffer = new Uint8Array(16_384);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    yield buffer.subarray(0, count);
  }
}

Deno.test("a socket is shared as well, closed by the last, and opened again", async () => {
  using server = openServer();
  const records: LogRecord[] = [];
  await using device = await start("", { url: server.url }, records);
  for (let round = 0; round < 2; round++) {
    const [one, two] = [new Listener(await device.connect("both")), new Listener(await device.connect("both"))];
    using conn = await server.listener.accept();
    await conn.write(new TextEncoder().encode("login|"));
    await Promise.all([one.see("|"), two.see("|")]);
    await one.say("root");
    await one.leave();
    await two.say("\n");
    await two.leave();
    assert.equal(await new Response(conn.readable).text(), "root\n");
  }
  await until("it is closed", () => records.length === 4);
  const { port } = server.url;
  assert.deepEqual(
    records.map(({ message }) => message),
    Array(2).fill([`opened socket://127.0.0.1:${port}`, `closed socket://127.0.0.1:${port}`]).flat(),
  );
});

Deno.test("what was sent to a socket has arrived when its sender is told so, though all of it is echoed", async () => {
  using server = openServer();
  await using device = await start("", { url: server.url });
  const sender = new Listener(await device.connect("send"));
  const content = crypto.getRandomValues(new Uint8Array(65_536)), pieces = 48;
  const order: string[] = [];
  const sending = (async () => {
    for (let piece = 0; piece < pieces; piece++) await sender.say(content);
    await sender.closeInput();
    await sender.seeEnd();
    order.push("told");
  })();
  let received = 0;
  const conn = await server.listener.accept();
  for await (const bytes of iterate(conn)) {
    received += bytes.length;
    for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
  }
  // Who comes now waits for a connection of his own.
  const next = device.connect("both");
  order.push("arrived");
  conn.close();
  await sending;
  assert.deepEqual([received, order], [pieces * content.length, ["arrived", "told"]]);
  const listener = new Listener(await next);
  using other = await server.listener.accept();
  await other.write(new TextEncoder().encode("x"));
  await listener.see("x");
});

Deno.test("a server that never ends its direction is not waited for without end", async () => {
  using server = openServer();
  const { host, port } = server.url;
  const serial = await SocketPort.open(host, port, { silenceMs: 20 });
  using conn = await server.listener.accept();
  await serial.finish(new AbortController().signal);
  assert.equal(await conn.read(new Uint8Array(1)), null);
  await serial.close();
});

Deno.test("a server that ends the connection ends everybody's, and one that is not there is unavailable", async () => {
  const server = openServer();
  await using device = await start("", { url: server.url });
  const listener = new Listener(await device.connect("both"));
  const conn = await server.listener.accept();
  await conn.write(new TextEncoder().encode("bye"));
  conn.close();
  await listener.seeEnd();
  assert.equal(listener.text, "bye");
  server[Symbol.dispose]();
  await assert.rejects(device.connect("both"), failsWith("unavailable", /^cannot connect to 127\.0\.0\.1:\d+: /));
  await assert.rejects(start("", { url: server.url, check_present: true }), failsWith("unavailable"));
  await assert.rejects(device.setLine("dtr", true), failsWith("unavailable"));
});

Deno.test("a socket has no modem lines, and a check for its presence leaves no connection", async () => {
  using server = openServer();
  await using device = await start("", { url: server.url, check_present: true });
  using checked = await server.listener.accept();
  assert.equal(await checked.read(new Uint8Array(1)), null);
  await assert.rejects(device.setLine("rts", false), failsWith("unimplemented", /^cannot set RTS: a TCP connection/));
  using opened = await server.listener.accept();
  assert.equal(await opened.read(new Uint8Array(1)), null);
});

Deno.test("a loop sends back what its sender alone has sent, and ends with it", async () => {
  await using device = await start("", { url: { kind: "loop" }, check_present: true });
  const [one, two] = [new Listener(await device.connect("both")), new Listener(await device.connect("both"))];
  await Promise.all([one.say("one|"), one.see("one|"), two.say("two|"), two.see("two|")]);
  await Promise.all([one.closeInput(), one.seeEnd()]);
  assert.deepEqual([one.text, two.text], ["one|", "two|"]);
  await two.leave();
  await assert.rejects(two.say("x"));
  await device.setLine("dtr", true);
  await device.close();
  const sender = new Listener(await device.connect("send"));
  await sender.say("x".repeat(100_000));
  await Promise.all([sender.closeInput(), sender.seeEnd()]);
  assert.equal(sender.text, "");
});

Deno.test("cps is how many bytes leave in a second, on a loop too", async () => {
  await using board = await PseudoBoard.open();
  for (const url of [{ kind: "loop" }, { kind: "device", path: board.path }] as const) {
    await using device = await start("", { url, cps: 200 });
    const listener = new Listener(await device.connect("both"));
    board.whenReceived((bytes) => void board.send(bytes));
    const startedAt = performance.now();
    await Promise.all([listener.say("0123456789".repeat(4)), listener.see("0123456789".repeat(4))]);
    assert.ok(performance.now() - startedAt >= 194, `${performance.now() - startedAt} ms for ${url.kind}`);
    await listener.leave();
  }
});

Deno.test("the lines are set on the port that is open, and else on one that is opened for it", async () => {
  await using board = await PseudoBoard.open();
  await using device = await start(board.path);
  const unimplemented = failsWith("unimplemented", /^cannot set DTR of \S+: it has no such line$/);
  await assert.rejects(device.setLine("dtr", true), unimplemented);
  const listener = new Listener(await device.connect("both"));
  await assert.rejects(device.setLine("dtr", true), unimplemented);
  await listener.leave();
  await board.unplug();
  await assert.rejects(device.setLine("dtr", true), failsWith("unavailable"));
});

Deno.test("who waits for a port to be opened can give up", async () => {
  await using device = await start("", { url: { kind: "socket", host: "192.0.2.1", port: 9 } }); // answers nobody
  const giveUp = new AbortController();
  const waiting = ["both", "both", "send"] as const;
  const refused = waiting.map((direction) => assert.rejects(device.connect(direction, giveUp.signal), /enough/));
  giveUp.abort(new Error("enough"));
  await Promise.all(refused);
});
