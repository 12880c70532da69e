import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { until } from "../../tests/fixtures/until.ts";
import { client, code, nextText, readAll, say, type } from "./bench_test.ts";
import { network } from "./mod.ts";
import { openUdp } from "./udp_stream.ts";

/** A device that keeps the datagrams it gets, and can answer the last sender. */
async function openDevice(host = "127.0.0.1") {
  const socket: Socket = createSocket(host === "::1" ? "udp6" : "udp4");
  const received: { text: string; port: number }[] = [];
  socket.on("message", (datagram, { port }) => received.push({ text: datagram.toString(), port }));
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  return {
    received,
    port: socket.address().port,
    send: (text: string, port: number) =>
      new Promise<void>((resolve) => socket.send(text, port, host, () => resolve())),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

Deno.test("each chunk is one datagram, either way, in order", async () => {
  await using device = await openDevice();
  const config = { host: "127.0.0.1", port: device.port };
  await using bench = await serveLocally({ net: { type: type("UdpNetwork"), config } }, [network]);
  const stream = await client(bench).connect();
  const large = "x".repeat(60_000);
  for (const text of ["one", large, "three"]) await say(stream, text);
  await until("three datagrams have come", () => device.received.length === 3);
  assert.deepEqual(device.received.map(({ text }) => text), ["one", large, "three"]);
  const { port = 0 } = device.received[0] ?? {};
  await device.send("a", port);
  await device.send("bc", port);
  const reader = stream.readable.getReader();
  assert.equal(await nextText(reader), "a");
  assert.equal(await nextText(reader), "bc");
  await reader.cancel();
});

Deno.test("a datagram of no bytes is one, either way", async () => {
  await using device = await openDevice();
  const config = { host: "127.0.0.1", port: device.port };
  await using bench = await serveLocally({ net: { type: type("UdpNetwork"), config } }, [network]);
  const stream = await client(bench).connect();
  for (const text of ["a", "", "bc"]) await say(stream, text);
  await until("the last has come", () => device.received.at(-1)?.text === "bc");
  assert.deepEqual(device.received.map(({ text }) => text), ["a", "", "bc"]);
  for (const text of ["d", "", "ef"]) await device.send(text, device.received[0]?.port ?? 0);
  const reader = stream.readable.getReader();
  const answers = [await nextText(reader), await nextText(reader), await nextText(reader)];
  assert.deepEqual(answers, ["d", "", "ef"]);
  await reader.cancel();
});

Deno.test("datagrams of others are not the device's", async () => {
  await using device = await openDevice();
  await using stranger = await openDevice();
  const stream = await openUdp({
    host: "127.0.0.1",
    port: device.port,
    signal: new AbortController().signal,
    onLoss: () => {},
  });
  await say(stream, "hello");
  await until("it has come", () => device.received.length === 1);
  const { port = 0 } = device.received[0] ?? {};
  await stranger.send("forged", port);
  await device.send("genuine", port);
  const reader = stream.readable.getReader();
  assert.equal(await nextText(reader), "genuine");
  await reader.cancel();
});

Deno.test("an address may be written in any way", async () => {
  await using device = await openDevice("::1");
  const { port } = device, { signal } = new AbortController();
  const stream = await openUdp({ host: "0:0:0:0:0:0:0:1", port, signal, onLoss: () => {} });
  await say(stream, "hello");
  await until("it has come", () => device.received.length === 1);
  const reader = stream.readable.getReader();
  await device.send("answer", device.received[0]?.port ?? 0);
  assert.equal(await nextText(reader), "answer");
  await reader.cancel();
});

Deno.test("a reader that does not read loses datagrams, is told so once, and costs no more memory", async () => {
  await using device = await openDevice();
  let losses = 0;
  const stream = await openUdp({
    host: "127.0.0.1",
    port: device.port,
    signal: new AbortController().signal,
    onLoss: () => losses++,
  });
  await say(stream, "hello");
  await until("it has come", () => device.received.length === 1);
  const { port = 0 } = device.received[0] ?? {};
  for (let count = 0; losses === 0 && count < 5_000; count++) await device.send(String(count), port);
  await until("some are lost", () => losses > 0);
  assert.equal(losses, 1);
  await stream.readable.cancel();
});

Deno.test("a datagram that is too large is an error, and a host that is not known is unavailable", async () => {
  await using device = await openDevice();
  const config = { host: "127.0.0.1", port: device.port };
  await using bench = await serveLocally({
    net: { type: type("UdpNetwork"), config },
    lost: { type: type("UdpNetwork"), config: { ...config, host: "no-such-host.invalid" } },
  }, [network]);
  await assert.rejects(bench.exporter.driver("lost").openStream(), code("unavailable"));
  const stream = await client(bench).connect();
  await say(stream, "x".repeat(65_536));
  await assert.rejects(readAll(stream.readable), code("invalid_argument"));
});
