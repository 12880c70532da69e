/** Back pressure from a device's own socket to a client, and the other way, with everything real in between. */
import { network } from "../../drivers/network/mod.ts";
import { assertPieces, keepWriting, whenStopped, type Writer } from "../fixtures/back_pressure.ts";
import { serveLocally } from "../fixtures/local_exporter.ts";

/** Ours, and what the kernel keeps for two connections on each of their ends. */
const maxAheadBytes = 48 * 1024 * 1024;
const totalBytes = 2 * maxAheadBytes;

/** A device on TCP behind an exporter, the device's end and a client's end of one raw stream to it. */
async function openDevice() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const type = "jumpstarter_driver_network.driver.TcpNetwork";
  const local = await serveLocally({ net: { type, config: { host: "127.0.0.1", port } } }, [network]);
  const client = await local.exporter.driver("net").openStream("connect");
  const device = await listener.accept();
  const callBeside = () => local.exporter.driver("net").call("address");
  return {
    client,
    device,
    untilStopped: (writer: Writer) => whenStopped(writer, maxAheadBytes, callBeside),
    async [Symbol.asyncDispose]() {
      listener.close();
      await local[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a device that reads nothing stops the client, until it reads again", async () => {
  await using bench = await openDevice();
  const { client, device } = bench;
  const writer = keepWriting(client.writable, totalBytes);
  await bench.untilStopped(writer);
  await assertPieces(device.readable, totalBytes);
  await writer.done;
});

Deno.test("a client that reads nothing stops the device, until it reads again", async () => {
  await using bench = await openDevice();
  const { client, device } = bench;
  const writer = keepWriting(device.writable, totalBytes);
  await bench.untilStopped(writer);
  const closed = client.writable.close();
  await assertPieces(client.readable, totalBytes);
  await Promise.all([writer.done, closed]);
});
