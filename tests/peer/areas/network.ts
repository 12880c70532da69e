/** Raw streams: half close each way, and the network connections that are made of them. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { NetworkClient } from "../../../drivers/network/client.ts";
import type { ByteStream } from "../../../src/driver/mod.ts";
import type { JumpstarterError } from "../../../src/errors.ts";
import { until } from "../../fixtures/local_exporter.ts";
import type { Place } from "../../fixtures/place.ts";
import { type Bench, type Cell, defineArea, type Pairing } from "../support/area.ts";
import { dearCommand, deviceType } from "../support/side.ts";

interface NetworkBench extends Bench {
  readonly tcpPort: number;
}

const type = (name: string) => `jumpstarter_driver_network.driver.${name}`;

/** What users do with raw streams and networks. */
export const network = defineArea<NetworkBench>({
  name: "network",
  open: openBench,
  rows: [
    { name: "the client's end first, then the device's answer", run: clientEndsFirst },
    { name: "the device's end first, then the client's", run: deviceEndsFirst },
    { name: "8 MiB through an echo", run: bigEcho },
    { name: "many streams at once", run: manyAtOnce },
    { name: "a stream that is not there, and a device that refuses", run: refused },
    { name: "TcpNetwork, with half close", run: tcp },
    ...["udp", "unix", "echo", "websocket"].map((name) => ({
      name: `${name[0]?.toUpperCase()}${name.slice(1)}Network`,
      run: (cell: Cell<NetworkBench>) => pingPong(cell, name),
    })),
    { name: "address", run: address },
    { name: "forward-tcp, many connections at once", notRun: dearCommand, run: forwardTcp },
  ],
});

/** Devices that send back what comes: on TCP until the far end closes, UDP, a Unix socket and WebSocket. */
async function openBench(place: Place, { exporter }: Pairing): Promise<NetworkBench> {
  const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const udp = createSocket("udp4").bind(0, "127.0.0.1");
  udp.on("message", (message, { port, address }) => udp.send(message, port, address));
  await once(udp, "listening");
  const path = place.path("device.sock");
  const unix = Deno.listen({ transport: "unix", path });
  const echo = (listener: Deno.Listener) => async () => {
    for await (const connection of listener) {
      connection.readable.pipeTo(connection.writable).catch(() => {/* the far end broke off */});
    }
  };
  const ended = Promise.all([echo(tcp)(), echo(unix)()]);
  const web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  const { port: tcpPort } = tcp.addr as Deno.NetAddr;
  const local = { host: "127.0.0.1" };
  return {
    tcpPort,
    entries: {
      wire: { type: deviceType(exporter, "probe", "Probe") },
      tcp: { type: type("TcpNetwork"), config: { ...local, port: tcpPort } },
      closed: { type: type("TcpNetwork"), config: { ...local, port: 1 } },
      udp: { type: type("UdpNetwork"), config: { ...local, port: udp.address().port } },
      unix: { type: type("UnixNetwork"), config: { path } },
      echo: { type: type("EchoNetwork") },
      websocket: { type: type("WebsocketNetwork"), config: { url: `ws://127.0.0.1:${web.addr.port}/` } },
    },
    async [Symbol.asyncDispose]() {
      for (const listener of [tcp, unix, udp]) listener.close();
      await ended;
      await web.shutdown();
    },
  };
}

/** Reads a stream to its end, in Python. */
const readAllInPython = `
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

const bytes = (text: string) => new TextEncoder().encode(text);
const readAll = (readable: ByteStream["readable"]) =>
  new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
const textOf = async (readable: ByteStream["readable"]) => new TextDecoder().decode(await readAll(readable));

/** Writes all of it, and closes. */
async function sendAll(writable: ByteStream["writable"], ...pieces: Uint8Array[]): Promise<void> {
  const writer = writable.getWriter();
  for (const piece of pieces) await writer.write(piece);
  await writer.close();
}

async function clientEndsFirst({ ask }: Cell<NetworkBench>): Promise<void> {
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

async function deviceEndsFirst({ ask }: Cell<NetworkBench>): Promise<void> {
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

async function bigEcho({ ask }: Cell<NetworkBench>): Promise<void> {
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

async function manyAtOnce({ ask }: Cell<NetworkBench>): Promise<void> {
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

async function refused({ ask, client, exporter }: Cell<NetworkBench>): Promise<void> {
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

async function tcp({ ask }: Cell<NetworkBench>): Promise<void> {
  const answer = await ask({
    python: `${readAllInPython}
      with client.tcp.stream() as stream:
          stream.send(b"over TCP")
          end(stream)
          return read_all(stream).decode()
    `,
    async ours(exporter) {
      const { readable, writable } = await exporter.driver("tcp", NetworkClient).connect();
      await sendAll(writable, bytes("over TCP"));
      return await textOf(readable);
    },
  });
  assert.equal(answer, "over TCP");
}

async function pingPong({ ask }: Cell<NetworkBench>, name: string): Promise<void> {
  const answer = await ask({
    python: `
      with client.${name}.stream() as stream:
          seen = []
          for message in (b"ping", b"pong"):
              stream.send(message)
              seen.append(stream.receive().decode())
          return seen
    `,
    async ours(exporter) {
      const { readable, writable } = await exporter.driver(name, NetworkClient).connect();
      const writer = writable.getWriter(), reader = readable.getReader(), seen: string[] = [];
      for (const message of ["ping", "pong"]) {
        await writer.write(bytes(message));
        seen.push(new TextDecoder().decode((await reader.read()).value));
      }
      await writer.close();
      await reader.cancel();
      return seen;
    },
  });
  assert.deepEqual(answer, ["ping", "pong"]);
}

async function address({ ask, bench }: Cell<NetworkBench>): Promise<void> {
  const answer = await ask({
    python: `return client.tcp.address()`,
    ours: (exporter) => exporter.driver("tcp", NetworkClient).address(),
  });
  assert.equal(answer, `tcp://127.0.0.1:${bench.tcpPort}`);
}

async function forwardTcp({ place, session }: Cell<NetworkBench>): Promise<void> {
  const said = place.path("forward.txt");
  const { stdout: pid } = await session.run(`j tcp forward-tcp 0 >'${said}' 2>&1 & echo $!`);
  const addressOf = async () => /:(\d+)$/m.exec(await Deno.readTextFile(said).catch(() => ""))?.[1];
  await until("the forward listens", async () => await addressOf() !== undefined);
  const port = Number(await addressOf());
  const talk = async (text: string) => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(bytes(text));
    await connection.closeWrite();
    return await new Response(connection.readable).text();
  };
  assert.deepEqual(await Promise.all(["one", "two", "three"].map(talk)), ["one", "two", "three"]);
  await session.run(`kill ${pid.trim()}`);
  await until(
    "the forward has ended",
    () =>
      Deno.connect({ hostname: "127.0.0.1", port }).then((connection) => void connection.close(), () => true).then(
        Boolean,
      ),
  );
}
