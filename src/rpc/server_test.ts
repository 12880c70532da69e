import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { until } from "../../tests/fixtures/until.ts";
import { Listener } from "../listener.ts";
import { Logger, type LogRecord } from "../log.ts";
import { boundServices, driverCall, getStatus, openBench, rejectsWith, within } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import type { Address } from "../address.ts";
import { serve, type Server } from "./server.ts";
import type { ServerCall } from "./server_call.ts";

const ready = { exporter: { getStatus: () => ({ status: 4 }) } };
const quiet = new Logger(() => {});
const strict = { sanitizeOps: true, sanitizeResources: true };

/** A handler that answers only when its caller has gone, and tells when it has begun. */
function hanging() {
  const begun = Promise.withResolvers<void>(), ended = Promise.withResolvers<void>();
  const handlers = {
    exporter: {
      driverCall(_request: unknown, { signal }: { signal: AbortSignal }) {
        begun.resolve();
        return new Promise<never>((_, reject) =>
          signal.addEventListener("abort", () => {
            ended.resolve();
            reject(signal.reason);
          })
        );
      },
    },
  };
  return { handlers, begun: begun.promise, ended: ended.promise };
}

Deno.test("a connection's end is told to the calls that it carried, and to no others", async () => {
  const directory = await Deno.makeTempDir();
  await using _directory = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const addresses: Address[] = [{ kind: "tcp", host: "127.0.0.1", port: 0 }, { kind: "unix", path: `${directory}/s` }];
  for (const address of addresses) {
    const ends: AbortSignal[] = [];
    const handlers = {
      exporter: {
        getStatus(_request: unknown, { connectionClosed }: ServerCall) {
          ends.push(connectionClosed);
          return { status: 4 };
        },
      },
    };
    await using bench = await openBench(handlers, { address });
    {
      using second = new Channel({ address: bench.server.address });
      await bench.channel.unary(getStatus, {});
      await second.unary(getStatus, {});
      assert.deepEqual(ends.map(({ aborted }) => aborted), [false, false]);
    }
    await until("the end of the second connection", () => ends[1]?.aborted === true);
    assert.equal(ends[0]?.aborted, false);
  }
});

Deno.test("without a host it is reached by IPv4 and by IPv6", async () => {
  await using bench = await openBench(ready, { address: { kind: "tcp", port: 0 } });
  const { address } = bench.server;
  if (address.kind !== "tcp") throw new Error("not TCP");
  const { host: ownHost, port } = address;
  assert.ok(port > 0 && ownHost === (hasIpv6() ? undefined : "0.0.0.0"));
  for (const host of hasIpv6() ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
    using channel = new Channel({ address: { kind: "tcp", host, port } });
    const { status } = await within(channel.unary(getStatus, {}), host);
    assert.equal(status, 4);
  }
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("a Unix socket is its user's alone, and goes with the server", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/x.sock`;
  {
    await using bench = await openBench(ready, { address: { kind: "unix", path } });
    assert.equal(((await Deno.lstat(path)).mode ?? 0) & 0o777, 0o600);
    assert.equal((await bench.channel.unary(getStatus, {})).status, 4);
  }
  await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  await Deno.remove(dir);
});

Deno.test("stopping lets a call end within its grace", strict, async () => {
  const release = Promise.withResolvers<void>(), begun = Promise.withResolvers<void>();
  await using bench = await openBench({
    exporter: {
      async driverCall() {
        begun.resolve();
        await release.promise;
        return { uuid: "done" };
      },
    },
  });
  const call = bench.channel.unary(driverCall, {});
  await begun.promise;
  let hasStopped = false;
  const stopped = bench.server.stop(20_000).then(() => hasStopped = true);
  await isRefused(bench.server);
  assert.equal(hasStopped, false);
  release.resolve();
  assert.equal((await within(call, "the call")).uuid, "done");
  await within(stopped, "the stop");
});

/** Waits until nobody is let in any more. */
async function isRefused({ address }: Server): Promise<void> {
  if (address.kind !== "tcp") throw new Error("not TCP");
  const { port } = address;
  // A few more may get in while it closes.
  await until("nobody is let in", async () => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    conn?.close();
    return conn === undefined;
  });
}

Deno.test("stopping is bounded when a call hangs, whose handler and caller both hear of it", strict, async () => {
  const { handlers, begun, ended } = hanging();
  await using bench = await openBench(handlers);
  const call = rejectsWith(within(bench.channel.unary(driverCall, {}), "the caller"), "connection_lost");
  await begun;
  await within(bench.server.stop(50), "the stop", 5_000);
  await within(ended, "the handler");
  await call;
});

Deno.test("stopping frees the port and closes every connection, also one that never spoke", strict, async () => {
  const bench = await openBench(ready);
  const { address } = bench.server;
  const silent = await connectTo(bench.server);
  const closed = once(silent, "close");
  assert.equal((await bench.channel.unary(getStatus, {})).status, 4);
  await bench[Symbol.asyncDispose]();
  await within(closed, "the silent connection to be closed");
  await using again = await openBench(ready, { address });
  assert.equal((await again.channel.unary(getStatus, {})).status, 4);
});

Deno.test("a client that never begins its TLS handshake is shown out, and noted", async () => {
  const certificate = await makeSelfSigned();
  await using bench = await openBench(ready, { certificate, limits: { handshakeMs: 100 } });
  const silent = await connectTo(bench.server);
  await within(once(silent, "close"), "the silent connection to be closed");
  assert.ok(
    bench.records.some(({ message }) =>
      /Connection from 127\.0\.0\.1:\d+ ended: its handshake took more than 0\.1 s/.test(message)
    ),
  );
});

Deno.test("who only knocks at TLS is not noted, and who breaks off is", async () => {
  const certificate = await makeSelfSigned();
  await using bench = await openBench(ready, { certificate }, { tls: { ca: certificate.cert } });
  const knock = await connectTo(bench.server);
  knock.destroy();
  const hello = await connectTo(bench.server);
  hello.end(Buffer.from([22, 3, 1, 2, 0, 1]));
  const noted = () => bench.records.map(({ message }) => message.replaceAll(/:\d+/g, ""));
  await until("a note", () => noted().length > 0);
  assert.equal((await bench.channel.unary(getStatus, {})).status, 4);
  assert.deepEqual(noted(), ["TLS handshake with 127.0.0.1 failed: it has ended the connection"]);
});

async function connectTo({ address }: Server): Promise<Socket> {
  if (address.kind !== "tcp") throw new Error("not TCP");
  const socket = connect(address.port, "127.0.0.1");
  socket.on("error", () => {}).resume(); // an end is seen only by one who reads
  await once(socket, "connect");
  return socket;
}

Deno.test("stopping twice is stopping once", async () => {
  await using bench = await openBench(ready);
  await Promise.all([bench.server.stop(1_000), bench.server.stop(0)]);
  await bench.server.stop(0);
});

Deno.test("each listener has its own trust and passphrase, over the same services", async () => {
  const seen: boolean[] = [];
  const services = boundServices({
    exporter: {
      getStatus(_request, { isTrusted }) {
        seen.push(isTrusted);
        return {};
      },
    },
  });
  const dir = await Deno.makeTempDir();
  {
    const tcp = { kind: "tcp" as const, host: "127.0.0.1", port: 0 };
    await using open = serve({ listener: await Listener.open(tcp), services, log: quiet, passphrase: "secret" });
    await using own = serve({
      listener: await Listener.open({ kind: "unix", path: `${dir}/own.sock` }),
      services,
      log: quiet,
      isTrusted: true,
    });
    using outside = new Channel({ address: open.address, passphrase: "secret" });
    using stranger = new Channel({ address: open.address });
    using inside = new Channel({ address: own.address });
    await outside.unary(getStatus, {});
    await rejectsWith(stranger.unary(getStatus, {}), "unauthenticated");
    await inside.unary(getStatus, {});
  }
  assert.deepEqual(seen, [false, true]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a connection is told of before its first call", async () => {
  const order: string[] = [];
  await using bench = await openBench({
    exporter: {
      getStatus() {
        order.push("call");
        return {};
      },
    },
  }, { onConnection: () => void order.push("connection") });
  await bench.channel.unary(getStatus, {});
  await bench.channel.unary(getStatus, {});
  assert.deepEqual(order, ["connection", "call", "call"]);
});

Deno.test("bytes that are no HTTP/2, and a handshake that fails, harm nobody else and are noted", async () => {
  const records: LogRecord[] = [];
  const log = new Logger((record) => records.push(record));
  for (const certificate of [undefined, await makeSelfSigned()]) {
    await using bench = await openBench(ready, { certificate, log }, { tls: certificate && { ca: certificate.cert } });
    const rude = await connectTo(bench.server);
    rude.write(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10)));
    rude.resume();
    await within(once(rude, "close"), "the rude one to be shown out");
    assert.equal((await bench.channel.unary(getStatus, {})).status, 4);
  }
  await until("a note", () => records.some(({ message }) => /TLS handshake with .* failed/.test(message)));
});
