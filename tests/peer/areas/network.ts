/** Network connections, and forwards to them. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { NetworkClient } from "../../../drivers/network/client.ts";
import { until } from "../../fixtures/until.ts";
import type { Place } from "../../fixtures/place.ts";
import { type Bench, type Cell, defineArea } from "../support/area.ts";
import { dearCommand } from "../support/side.ts";
import { bytes, readAllInPython, sendAll, textOf } from "./streams.ts";

interface NetworkBench extends Bench {
  readonly tcpPort: number;
}

const type = (name: string) => `jumpstarter_driver_network.driver.${name}`;

/** What users do with networks. */
export const network = defineArea<NetworkBench>({
  name: "network",
  open: openBench,
  rows: [
    { name: "TcpNetwork, with half close", run: tcp },
    ...["udp", "unix", "echo", "websocket"].map((name) => ({
      name: `${name[0]?.toUpperCase()}${name.slice(1)}Network`,
      run: (cell: Cell<NetworkBench>) => pingPong(cell, name),
    })),
    { name: "address", run: address },
    { name: "a forward from a Unix socket", run: forwardUnix },
    { name: "forward-tcp, many connections at once", notRun: dearCommand, run: forwardTcp },
  ],
});

/** Devices that send back what comes: on TCP until the far end closes, UDP, a Unix socket and WebSocket. */
async function openBench(place: Place): Promise<NetworkBench> {
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
      tcp: { type: type("TcpNetwork"), config: { ...local, port: tcpPort } },
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

async function forwardUnix({ ask }: Cell<NetworkBench>): Promise<void> {
  const answer = await ask({
    python: `
      import socket
      from jumpstarter_driver_network.adapters import UnixPortforwardAdapter
      with UnixPortforwardAdapter(client=client.tcp) as path, socket.socket(socket.AF_UNIX) as connection:
          connection.connect(str(path))
          connection.sendall(b"by a Unix socket")
          connection.shutdown(socket.SHUT_WR)
          return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    `,
    async ours(exporter) {
      await using forward = await exporter.driver("tcp", NetworkClient).forwardUnix();
      using connection = await Deno.connect({ transport: "unix", path: forward.path });
      await connection.write(bytes("by a Unix socket"));
      await connection.closeWrite();
      return await new Response(connection.readable).text();
    },
  });
  assert.equal(answer, "by a Unix socket");
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
