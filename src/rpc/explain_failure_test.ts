import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createTlsServer } from "node:tls";
import { makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { freePort, getStatus, listenRaw, openBench, rejectsWith, within } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import type { ChannelOptions } from "./channel_options.ts";

const handlers = { exporter: { getStatus: () => ({ status: 4 }) } };

/** The error of a call that cannot reach an exporter. */
async function failure(options: ChannelOptions): Promise<{ message: string; hint?: string }> {
  using channel = new Channel(options);
  const { message, hint } = await rejectsWith(within(channel.unary(getStatus, {}), "the failure"), "connect");
  assert.ok(!message.includes("\n"), "one line");
  return { message, hint };
}

const at = (port: number, tls?: { ca?: string }): ChannelOptions => ({
  address: { kind: "tcp" as const, host: "127.0.0.1", port },
  tls,
});

Deno.test("nobody listens", async () => {
  const port = await freePort();
  for (const tls of [undefined, {}]) {
    const { message, hint } = await failure(at(port, tls));
    assert.match(message, new RegExp(`cannot connect to 127\\.0\\.0\\.1:${port}: connection refused`, "i"));
    assert.match(hint ?? "", /running/);
  }
});

Deno.test("a name that does not resolve", async () => {
  const { message } = await failure({ address: { kind: "tcp", host: "no-such-host.invalid", port: 19090 } });
  assert.match(message, /no-such-host\.invalid:19090: the name does not resolve/i);
});

Deno.test("a socket that is not there, and one that nobody serves any more", async () => {
  const path = await Deno.makeTempDir();
  const missing = await failure({ address: { kind: "unix", path: `${path}/none.sock` } });
  assert.match(missing.message, /none\.sock: no such socket/);
  const stale = `${path}/stale.sock`;
  const listener = Deno.listen({ transport: "unix", path: stale });
  listener.close();
  const refused = await failure({ address: { kind: "unix", path: stale } });
  assert.match(refused.message, /stale\.sock: (connection refused|no such socket)/);
  await Deno.remove(path, { recursive: true });
});

Deno.test("a path that no socket can have", async () => {
  const { message, hint } = await failure({ address: { kind: "unix", path: `/tmp/${"long".repeat(30)}` } });
  assert.match(message, /long: the path is too long for a socket$/);
  assert.match(hint ?? "", /at most 10[37] bytes/);
});

Deno.test("plaintext to an exporter with TLS, and TLS to one without", async () => {
  await using tls = await openBench(handlers, { certificate: await makeSelfSigned() });
  const toTls = await rejectsWith(within(tls.channel.unary(getStatus, {}), "plaintext to TLS"), "connect");
  assert.match(toTls.message, /speaks TLS, and plaintext was asked for/);
  assert.equal(toTls.hint, "leave out insecure: true");
  await using plain = await openBench(handlers, {}, { tls: {} });
  const toPlain = await rejectsWith(within(plain.channel.unary(getStatus, {}), "TLS to plaintext"), "connect");
  assert.match(toPlain.message, /speaks plaintext, and TLS was asked for/);
  assert.equal(toPlain.hint, "add insecure: true");
});

Deno.test("something else listens there: one that talks, one that hangs up, and one with TLS", async () => {
  await using talker = await listenRaw((socket) => void socket.write("220 smtp.example ready\r\n"));
  await using hangUp = await listenRaw((socket) => void socket.destroy());
  const { cert, key } = await makeSelfSigned();
  await using tlsTalker = await listenRaw(
    (socket) => void socket.end(Buffer.from("HTTP/1.1 200 OK\r\n\r\n")),
    (accept) => createTlsServer({ cert, key }, accept),
  );
  for (const { port } of [talker, hangUp]) {
    assert.match((await failure(at(port))).message, /no exporter/);
    assert.match((await failure(at(port, {}))).message, /neither TLS nor gRPC/);
  }
  assert.match((await failure(at(tlsTalker.port))).message, /speaks TLS/);
  assert.ok((await failure(at(tlsTalker.port, { ca: cert }))).message);
});

Deno.test("what takes the connection and gives no answer is no endless wait, however far it comes", async () => {
  await using silent = await listenRaw(() => {});
  const certificate = await makeSelfSigned();
  await using afterTls = await listenRaw(() => {}, (accept) => createTlsServer(certificate, accept));
  await using afterHttp2 = await listenRaw(() => {}, () => createHttp2Server());
  const ways = [at(silent.port), at(silent.port, {}), at(afterTls.port, { ca: certificate.cert }), at(afterHttp2.port)];
  for (const way of ways) {
    const { message, hint } = await failure({ ...way, connectTimeoutMs: 300 });
    assert.match(message, /cannot connect to 127\.0\.0\.1:\d+: no answer within 0\.3 s/i);
    assert.match(hint ?? "", /check the port/);
  }
});
