/** Raw streams: half close each way, large frames, back pressure, and both ways to end. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { NetworkClient } from "../../../drivers/network/client.ts";
import type { ByteStream } from "../../../src/driver/mod.ts";
import type { JumpstarterError } from "../../../src/errors.ts";
import { within } from "../../../src/rpc/bench_test.ts";
import { keepWriting, whenStopped, type Writer } from "../../fixtures/back_pressure.ts";
import type { Place } from "../../fixtures/place.ts";
import { until } from "../../fixtures/until.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { deviceType } from "../support/side.ts";

interface StreamsBench extends Bench {
  /** The device that sends for as long as somebody takes it. */
  readonly faucet: Flow;
  /** The device that reads nothing, until the test does it. */
  readonly drain: Deno.Listener<Deno.TcpConn>;
}

/** A connection that is written to without end. */
interface Flow extends Writer {
  /** The end of what writes. */
  readonly done: Promise<void>;
}

/** What users do with raw streams. */
export const streams = defineArea<StreamsBench>({
  name: "streams",
  open: openBench,
  rows: [
    { name: "the client's end first, then the device's answer", run: clientEndsFirst },
    { name: "the device's end first, then the client's", run: deviceEndsFirst },
    { name: "8 MiB through an echo", run: bigEcho },
    { name: "4 MB in one piece, both ways", run: bigPieces },
    { name: "a client that reads nothing stops the device, which is told when it goes", run: stopDevice },
    { name: "a device that reads nothing stops the client, until it reads again", run: stopClient },
    { name: "many streams at once", run: manyAtOnce },
    { name: "a stream that is not there, and a device that refuses", run: refused },
  ],
});

function openBench(_place: Place, { exporter }: Pairing): Promise<StreamsBench> {
  const faucet = serveFaucet(), drain = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const type = "jumpstarter_driver_network.driver.TcpNetwork";
  const at = (port: number) => ({ type, config: { host: "127.0.0.1", port } });
  return Promise.resolve({
    faucet,
    drain,
    entries: {
      wire: { type: deviceType(exporter, "probe", "Probe") },
      faucet: at(faucet.port),
      drain: at(drain.addr.port),
      closed: at(1),
    },
    [Symbol.asyncDispose]() {
      for (const listener of [faucet, drain]) listener.close();
      return Promise.resolve();
    },
  });
}

/** A device on TCP that sends for as long as its last client takes it. */
function serveFaucet(): Flow & { readonly port: number; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let flow: Flow = { bytes: 0, done: Promise.resolve() };
  const serve = async () => {
    for await (const connection of listener) flow = keepWriting(connection.writable, Infinity);
  };
  serve().catch(() => {/* it was closed */});
  return {
    port: listener.addr.port,
    get bytes() {
      return flow.bytes;
    },
    get done() {
      return flow.done;
    },
    close: () => listener.close(),
  };
}

/** Reads a stream to its end, in Python. */
export const readAllInPython = `
      import anyio
      def end(stream):
          stream.portal.call(stream.stream.send_eof)
      def read_all(stream):
          data = b""
          while True:
              try:
                  data += stream.receive()
              except anyio.EndOfStream:
                  return data
`;

/** A text as bytes. */
export const bytes = (text: string) => new TextEncoder().encode(text);
const readAll = (readable: ByteStream["readable"]) =>
  new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
/** All that comes, as text. */
export const textOf = async (readable: ByteStream["readable"]) => new TextDecoder().decode(await readAll(readable));

/** Writes all of it, and closes. */
export async function sendAll(writable: ByteStream["writable"], ...pieces: Uint8Array[]): Promise<void> {
  const writer = writable.getWriter();
  for (const piece of pieces) await writer.write(piece);
  await writer.close();
}

async function clientEndsFirst({ ask }: Cell<StreamsBench>): Promise<void> {
  const answer = await ask({
    python: `${readAllInPython}
      with client.wire.stream("sum_up") as stream:
          for size in (1, 70_000, 4_000_000):
              stream.send(bytes(size))
          end(stream)
          return read_all(stream).decode()
    `,
    async ours(exporter) {
      const { readable, writable } = await exporter.driver("wire").openStream("sum_up");
      await sendAll(writable, ...[1, 70_000, 4_000_000].map((size) => new Uint8Array(size)));
      return await textOf(readable);
    },
  });
  assert.equal(answer, "4070001");
}

async function deviceEndsFirst({ ask }: Cell<StreamsBench>): Promise<void> {
  const answer = await ask({
    python: `${readAllInPython}
      with client.wire.stream("greet") as stream:
          hello = read_all(stream).decode()
          stream.send(b"still here")
          end(stream)
          return hello
    `,
    async ours(exporter) {
      const { readable, writable } = await exporter.driver("wire").openStream("greet");
      const hello = await textOf(readable);
      await sendAll(writable, bytes("still here"));
      return hello;
    },
  });
  assert.equal(answer, "hello\n");
}

async function bigEcho({ ask }: Cell<StreamsBench>): Promise<void> {
  const answer = await ask({
    python: `${readAllInPython}
      import threading
      data = bytes(range(256)) * 32768
      with client.wire.stream() as stream:
          def send():
              for start in range(0, len(data), 65536):
                  stream.send(data[start : start + 65536])
              end(stream)
          sender = threading.Thread(target=send)
          sender.start()
          came = read_all(stream)
          sender.join()
          return [len(came), came == data]
    `,
    async ours(exporter) {
      const data = Uint8Array.from({ length: 8 << 20 }, (_, index) => index % 256);
      const { readable, writable } = await exporter.driver("wire").openStream();
      const pieces = Array.from({ length: 128 }, (_, index) => data.subarray(index << 16, (index + 1) << 16));
      const [came] = await Promise.all([readAll(readable), sendAll(writable, ...pieces)]);
      return [came.length, came.every((byte, index) => byte === data[index])];
    },
  });
  assert.deepEqual(answer, [8 << 20, true]);
}

/** Of which the Python ends make one message each, and ours many. */
async function bigPieces({ ask }: Cell<StreamsBench>): Promise<void> {
  const size = 4_000_000;
  const answer = await ask({
    python: `${readAllInPython}
      data = bytes(range(250)) * ${size / 250}
      with client.wire.stream() as stream:
          stream.send(data)
          end(stream)
          echo = read_all(stream)
      with client.wire.stream("burst") as stream:
          burst = read_all(stream)
          end(stream)
      return [echo == data, burst == bytes(${size})]
    `,
    async ours(exporter) {
      const data = Uint8Array.from({ length: size }, (_, index) => index % 250);
      const wire = exporter.driver("wire");
      const { readable, writable } = await wire.openStream();
      const [echo] = await Promise.all([readAll(readable), sendAll(writable, data)]);
      const device = await wire.openStream("burst");
      const burst = await readAll(device.readable);
      await device.writable.close();
      const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;
      return [isSame(echo, data), isSame(burst, new Uint8Array(size))];
    },
  });
  assert.deepEqual(answer, [true, true]);
}

/** What the system keeps of two connections on each of their ends, and the libraries between them. */
const maxAheadBytes = 48 * 1024 * 1024;

/** What the Python client has sent so far, which answers beside a stream that stands still; ours is answered too. */
async function sentSoFar({ ask }: Cell<StreamsBench>): Promise<number> {
  return await ask({
    python: `
      import __main__
      client.closed.address()
      return getattr(__main__, "sent", 0)
    `,
    ours: async (exporter) => void await exporter.driver("closed", NetworkClient).address(),
  }) as number;
}

async function stopDevice(cell: Cell<StreamsBench>): Promise<void> {
  const { ask, bench: { faucet } } = cell;
  let held: ByteStream | undefined;
  await ask({
    python: `
      import __main__
      __main__.held = client.faucet.stream()
      __main__.stream = __main__.held.__enter__().stream
    `,
    ours: async (exporter) => void (held = await exporter.driver("faucet").openStream()),
  });
  await whenStopped(faucet, maxAheadBytes, () => sentSoFar(cell));
  await ask({
    python: `
      import __main__
      client.portal.call(__main__.stream.stream.context.cancel)  # which leaving alone does not do
      __main__.held.__exit__(None, None, None)
    `,
    ours: async () => void await held?.readable.cancel(),
  });
  const end = faucet.done.then(() => "goes on", () => "is told");
  assert.equal(await within(end, "the end of the device's connection"), "is told");
}

async function stopClient(cell: Cell<StreamsBench>): Promise<void> {
  const { ask, client, bench: { drain } } = cell;
  let held: ByteStream | undefined, writer: Writer = { bytes: 0 };
  await ask({
    python: `
      import __main__
      __main__.held = client.drain.stream()
      stream = __main__.held.__enter__().stream
      __main__.sent = 0
      async def push():
          while True:
              await stream.send(bytes(65536))
              __main__.sent += 65536
      __main__.pushing = client.portal.start_task_soon(push)
    `,
    async ours(exporter) {
      held = await exporter.driver("drain").openStream();
      writer = keepWriting(held.writable, Infinity);
    },
  });
  const look = async () => {
    const sent = await sentSoFar(cell);
    if (client.name === "Python") writer = { bytes: sent };
  };
  const stoppedAt = await whenStopped(
    {
      get bytes() {
        return writer.bytes;
      },
    },
    maxAheadBytes,
    look,
  );
  using device = await drain.accept();
  const read = device.readable.pipeTo(new WritableStream()).catch(() => {/* the client left in the midst of it */});
  await until("the client goes on", async () => {
    await look();
    return writer.bytes > stoppedAt;
  });
  await ask({
    python: `
      import __main__
      __main__.pushing.cancel()
      __main__.held.__exit__(None, None, None)
    `,
    ours: async () => void await held?.readable.cancel(),
  });
  await read;
}

async function manyAtOnce({ ask }: Cell<StreamsBench>): Promise<void> {
  const answer = await ask({
    python: `
      from contextlib import ExitStack
      with ExitStack() as stack:
          streams = [stack.enter_context(client.wire.stream()) for _ in range(20)]
          for number, stream in enumerate(streams):
              stream.send(b"%d" % number)
          return [stream.receive().decode() for stream in reversed(streams)]
    `,
    async ours(exporter) {
      const streams = await Promise.all(Array.from({ length: 20 }, () => exporter.driver("wire").openStream()));
      await Promise.all(streams.map(({ writable }, number) => sendAll(writable, bytes(String(number)))));
      return await Promise.all(streams.toReversed().map(({ readable }) => textOf(readable)));
    },
  });
  assert.deepEqual(answer, Array.from({ length: 20 }, (_, index) => String(19 - index)));
}

async function refused({ ask, client, exporter }: Cell<StreamsBench>): Promise<void> {
  const answer = await ask({
    python: `
      def attempt(use):
          try:
              with use() as stream:
                  stream.receive()
          except Exception as error:
              return "refused"
      return [attempt(lambda: client.wire.stream("explode")), attempt(lambda: client.closed.stream())]
    `,
    async ours(exporter) {
      const attempt = (use: Promise<ByteStream>) => use.then(() => "open", (error: JumpstarterError) => error.code);
      return [
        await attempt(exporter.driver("wire").openStream("explode")),
        await attempt(exporter.driver("closed").openStream()),
      ];
    },
  });
  const codes = exporter.name === "Python" ? ["not_found", "driver"] : ["not_found", "unavailable"];
  assert.deepEqual(answer, client.name === "Python" ? ["refused", "refused"] : codes);
}
