/** The bytes of our ends as they are on the wire: in HTTP/2's DATA frames, messages in gRPC's own frames. */
import assert from "node:assert/strict";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { connect } from "../../../mod.ts";
import { power } from "../../../drivers/power/mod.ts";
import { serveLocally } from "../../fixtures/local_exporter.ts";
import { conversation, unframe } from "./recorded.ts";

/** What the DATA frames of each stream carried, up and down. */
type Carried = Map<number, { up: number[]; down: number[] }>;

Deno.test("our ends frame messages as the peer's do", async () => {
  await using local = await serveLocally({ power: { type: "jumpstarter_driver_power.driver.MockPower" } }, [power]);
  await using tap = await openTap(local.port);
  {
    await using exporter = await connect(`127.0.0.1:${tap.port}`, { insecure: true });
    assert.equal((await Array.fromAsync(exporter.driver("power").callStream("read"))).length, 2);
  }
  const streams = [...tap.carried.values()].map(({ up, down }) =>
    [up, down].map((bytes) => new Uint8Array(bytes).toHex())
  );
  const recorded = conversation.find(({ method }) => method.endsWith("/GetReport"));
  const [status, report, read] = streams.map(([up = "", down = ""]) => ({ up, down }));
  assert.equal(report?.up, recorded?.up); // a message without fields, which is its frame alone
  assert.deepEqual([status, report, read].map((stream) => unframe(stream?.up ?? "").length), [1, 1, 1]);
  assert.deepEqual([status, report, read].map((stream) => unframe(stream?.down ?? "").length), [1, 1, 2]);
});

/** Passes connections on to a port of the loopback, and looks at what they carry. */
async function openTap(target: number): Promise<AsyncDisposable & { port: number; carried: Carried }> {
  const carried: Carried = new Map();
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const onward = connectSocket(target, "127.0.0.1");
    sockets.push(client, onward);
    for (const socket of [client, onward]) socket.on("error", () => {/* the other end has gone */});
    client.on("data", frameReader(24, (stream, bytes) => slot(carried, stream).up.push(...bytes))); // after the preface
    onward.on("data", frameReader(0, (stream, bytes) => slot(carried, stream).down.push(...bytes)));
    client.pipe(onward).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    carried,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function slot(carried: Carried, stream: number): { up: number[]; down: number[] } {
  const known = carried.get(stream) ?? { up: [], down: [] };
  carried.set(stream, known);
  return known;
}

/** Tells of the DATA frames in a byte stream, however it is cut. */
function frameReader(skip: number, found: (stream: number, bytes: Uint8Array) => void): (part: Uint8Array) => void {
  let rest = new Uint8Array();
  return (part) => {
    rest = new Uint8Array([...rest, ...part.subarray(skip)]);
    skip -= Math.min(skip, part.length);
    while (rest.length >= 9) {
      const view = new DataView(rest.buffer);
      const length = view.getUint32(0) >>> 8;
      if (rest.length < 9 + length) return;
      if (rest[3] === 0) found(view.getUint32(5), rest.slice(9, 9 + length));
      rest = rest.slice(9 + length);
    }
  };
}
