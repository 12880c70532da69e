import assert from "node:assert/strict";
import { dirname } from "node:path";
import { standsStill, until } from "../../tests/fixtures/until.ts";
import type { JumpstarterError } from "../../src/errors.ts";
import { bytes, client, expectText, openDevice, openSockets, serveTcp } from "./bench_test.ts";
import { listenTcp } from "./forward.ts";
import { NotifySocket } from "../../tests/fixtures/notify_socket.ts";
import { isolatedTest } from "../../tests/fixtures/run_isolated.ts";

const readAll = (conn: Deno.Conn): Promise<string> => new Response(conn.readable).text();

const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;

/** Lets every connection to a device end in `serve`. */
async function serveDevice(listener: Deno.Listener, serve: (conn: Deno.Conn) => Promise<void>): Promise<void> {
  const all: Promise<void>[] = [];
  for await (const conn of listener) all.push(serve(conn));
  await Promise.all(all);
}

Deno.test("half close goes both ways through a forward", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  await using forward = await client(bench).forwardTcp();
  const local = await Deno.connect({ hostname: forward.host, port: forward.port });
  using conn = await device.listener.accept();
  await local.write(bytes("question"));
  await local.closeWrite();
  await expectText(conn, "question");
  assert.equal(await conn.read(new Uint8Array(1)), null);
  await conn.write(bytes("answer"));
  await conn.closeWrite();
  assert.equal(await readAll(local), "answer");
});

Deno.test("the device may end first, and the program goes on to send", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  await using forward = await client(bench).forwardTcp({ host: "127.0.0.1" });
  using local = await Deno.connect({ hostname: forward.host, port: forward.port });
  using conn = await device.listener.accept();
  await conn.closeWrite();
  assert.equal(await local.read(new Uint8Array(1)), null);
  await local.write(bytes("afterwards"));
  await local.closeWrite();
  await expectText(conn, "afterwards");
  assert.equal(await conn.read(new Uint8Array(1)), null);
});

isolatedTest(
  import.meta.url,
  "a hundred connections at once, each with its own bytes, and no descriptor left",
  async () => {
    const device = openDevice();
    const served = serveDevice(device.listener, async (conn) => {
      await conn.readable.pipeTo(conn.writable);
    });
    await using bench = await serveTcp(device.port);
    const before = openSockets();
    {
      await using forward = await client(bench).forwardTcp();
      await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const text = `${index} `.repeat(20_000);
        const local = await Deno.connect({ hostname: forward.host, port: forward.port });
        const received = readAll(local);
        const writing = (async () => {
          for (let rest = bytes(text); rest.length > 0;) rest = rest.subarray(await local.write(rest));
          await local.closeWrite();
        })();
        await writing;
        assert.equal(await received, text);
      }));
    }
    await until("every socket is given back", () => openSockets() <= before);
    device.listener.close();
    await served;
  },
);

Deno.test("one connection that fails is told, and ends no other", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const failures: unknown[] = [];
  await using forward = await client(bench).forwardTcp({ onFailure: (error) => failures.push(error) });
  const open = () => Deno.connect({ hostname: forward.host, port: forward.port });
  using first = await open();
  using firstConn = await device.listener.accept();
  await first.write(bytes("one"));
  await expectText(firstConn, "one");
  const { port, listener } = openDevice();
  listener.close();
  await using refusing = await serveTcp(port);
  const elsewhere: JumpstarterError[] = [];
  await using dead = await client(refusing).forwardTcp({
    onFailure: (error) => elsewhere.push(error as JumpstarterError),
  });
  using second = await Deno.connect({ hostname: dead.host, port: dead.port });
  assert.equal(await second.read(new Uint8Array(1)).catch(() => null), null);
  await until("the failure is told", () => elsewhere.length === 1);
  assert.equal(elsewhere[0]?.code, "unavailable");
  using third = await Deno.connect({ hostname: dead.host, port: dead.port });
  assert.equal(await third.read(new Uint8Array(1)).catch(() => null), null);
  await firstConn.write(bytes("still here"));
  await expectText(first, "still here");
  assert.deepEqual(failures, []);
});

Deno.test("the end of a forward closes its port and its connections, at the device as well", async () => {
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const stopping = new AbortController();
  await using forward = await client(bench).forwardTcp({ signal: stopping.signal });
  const { host: hostname, port } = forward;
  using local = await Deno.connect({ hostname, port });
  using conn = await device.listener.accept();
  await local.write(bytes("x"));
  await expectText(conn, "x");
  stopping.abort();
  assert.equal(await conn.read(new Uint8Array(1)), null);
  assert.equal(await local.read(new Uint8Array(1)).catch(() => null), null);
  await forward[Symbol.asyncDispose]();
  await assert.rejects(Deno.connect({ hostname, port }), Deno.errors.ConnectionRefused);
});

Deno.test("a port that is taken, and a signal that has fired, are told at once", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const open = () => Promise.reject(new Error("not called"));
  await assert.rejects(listenTcp({ open }, "127.0.0.1", port), (error: JumpstarterError) => {
    assert.deepEqual([error.code, error.message], [
      "listen",
      `cannot listen on 127.0.0.1:${port}: the address is in use`,
    ]);
    return true;
  });
  await assert.rejects(listenTcp({ open }, "192.0.2.1", 0), /192\.0\.2\.1:0: this machine has no such address$/);
  const reason = new Error("too late");
  await assert.rejects(listenTcp({ open, signal: AbortSignal.abort(reason) }, "127.0.0.1", 0), reason);
});

Deno.test("a connection that cannot be opened to the device is closed for the program, too", async () => {
  const reason = new Error("no device today");
  const failures: unknown[] = [];
  const open = () => Promise.reject(reason);
  await using forward = await listenTcp({ open, onFailure: (error) => failures.push(error) }, "127.0.0.1", 0);
  using local = await Deno.connect({ hostname: forward.host, port: forward.port });
  assert.equal(await local.read(new Uint8Array(1)).catch(() => null), null);
  assert.deepEqual(failures, [reason]);
});

Deno.test("a device that does not read stops the program at the other end of a forward", async () => {
  let taken = 0;
  const open = (signal: AbortSignal) =>
    Promise.resolve({
      readable: new ReadableStream<Uint8Array>(),
      // Takes one chunk, and no other until the forward ends.
      writable: new WritableStream<Uint8Array>({
        write(chunk) {
          taken += chunk.length;
          return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        },
      }),
    });
  const forward = await listenTcp({ open }, "127.0.0.1", 0);
  const local = await Deno.connect({ hostname: forward.host, port: forward.port });
  let sent = 0;
  const writing = (async () => {
    for (;;) sent += await local.write(new Uint8Array(64 * 1024));
  })();
  writing.catch(() => {});
  await standsStill("nothing more is taken", () => sent);
  assert.ok(taken <= 64 * 1024 && sent < 32 * 1024 * 1024, `${taken} of ${sent} bytes were taken`);
  await forward[Symbol.asyncDispose]();
  await assert.rejects(writing);
  local.close();
});

Deno.test("a Unix forward: private by default, at a given path otherwise, gone at the end", async () => {
  const dir = await Deno.makeTempDir();
  await using _dir = { [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const network = client(bench);
  const path = `${dir}/given.sock`;
  const paths: string[] = [];
  for (const options of [{}, { path }]) {
    await using forward = await network.forwardUnix(options);
    paths.push(forward.path);
    const local = await Deno.connect({ transport: "unix", path: forward.path });
    using conn = await device.listener.accept();
    await local.write(bytes("ping"));
    await local.closeWrite();
    await expectText(conn, "ping");
    await conn.write(bytes("pong"));
    await conn.closeWrite();
    assert.equal(await readAll(local), "pong");
    assert.equal(await modeOf(forward.path), 0o600);
    if (options.path === undefined) {
      assert.equal(await modeOf(dirname(forward.path)), 0o700);
    }
  }
  assert.equal(paths[1], path);
  for (const gone of [...paths, dirname(paths[0] ?? "")]) {
    await assert.rejects(Deno.lstat(gone), Deno.errors.NotFound);
  }
});

Deno.test("a Unix forward replaces an abandoned socket, and neither a living one nor a file", async () => {
  const dir = await Deno.makeTempDir();
  await using _dir = { [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
  using device = openDevice();
  await using bench = await serveTcp(device.port);
  const network = client(bench);
  const path = `${dir}/a.sock`;
  await using first = await network.forwardUnix({ path });
  await assert.rejects(network.forwardUnix({ path }), /the address is in use$/);
  const abandoned = `${dir}/abandoned.sock`;
  await Deno.link(path, abandoned);
  await first[Symbol.asyncDispose]();
  await using _second = await network.forwardUnix({ path: abandoned });
  using _local = await Deno.connect({ transport: "unix", path: abandoned });
  await Deno.writeTextFile(`${dir}/file`, "precious");
  await assert.rejects(network.forwardUnix({ path: `${dir}/file` }), /cannot listen/);
  const long = `${dir}/${"long".repeat(30)}`;
  await assert.rejects(network.forwardUnix({ path: long }), /the path is too long for a socket$/);
  assert.equal(await Deno.readTextFile(`${dir}/file`), "precious");
});

Deno.test({
  name: "a Unix forward leaves a living socket of another kind, which takes no connections",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const dir = await Deno.makeTempDir();
    await using _dir = { [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
    using device = openDevice();
    await using bench = await serveTcp(device.port);
    const path = `${dir}/datagrams.sock`;
    using _socket = new NotifySocket(path);
    await assert.rejects(client(bench).forwardUnix({ path }), /the address is in use$/);
    assert.ok((await Deno.stat(path)).isSocket);
  },
});
