import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as pb from "../../proto/mod.ts";
import { DriverError } from "../errors.ts";
import { breaks, driverCall, openBench, rejectsWith, streamMethod, within } from "./bench_test.ts";
import { openWire, readAll, receive, send, streamPair } from "./frame_bench_test.ts";
import { type FrameStream, openFrameStream, relayFrames } from "./frame_stream.ts";
import { toValue } from "./value.ts";

const chunks = fc.array(
  fc.uint8Array({ maxLength: 300 }).chain((bytes) => {
    // Now and then far more than a frame holds.
    return fc.constantFrom(1, 1, 1, 1_000).map((times) => new Uint8Array(Buffer.concat(Array(times).fill(bytes))));
  }),
  { maxLength: 20 },
);

async function sendAll({ writable }: FrameStream, chunks: Uint8Array[]): Promise<void> {
  const writer = writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
}

Deno.test("any bytes, in any pieces, come through both ways as they were", async () => {
  await fc.assert(
    fc.asyncProperty(chunks, chunks, async (up, down) => {
      await using wire = await openWire();
      const { client, device } = wire;
      const [atDevice, atClient] = await within(
        Promise.all([
          readAll(device.readable),
          readAll(client.readable),
          sendAll(client, up),
          sendAll(device, down),
        ]),
        "the exchange",
      );
      assert.ok(Buffer.concat(up).equals(atDevice), "what the device got");
      assert.ok(Buffer.concat(down).equals(atClient), "what the client got");
      assert.equal(await within(wire.served, "the call to end"), undefined);
    }),
    { numRuns: 40 },
  );
});

Deno.test("after the client's half close the device still answers", async () => {
  await using wire = await openWire();
  const { client, device } = wire;
  await send(client, "question");
  await client.writable.close();
  assert.equal(Buffer.from(await readAll(device.readable)).toString(), "question");
  for (const word of ["late ", "answer"]) await send(device, word);
  assert.equal(await receive(client, 11), "late answer");
  await device.writable.close();
  assert.equal((await within(readAll(client.readable), "the end")).length, 0);
  assert.equal(await within(wire.served, "the call to end"), undefined);
});

Deno.test("after the device's half close the client still sends", async () => {
  await using wire = await openWire();
  const { client, device } = wire;
  await send(device, "bye");
  await device.writable.close();
  assert.equal(Buffer.from(await within(readAll(client.readable), "the device's end")).toString(), "bye");
  for (const word of ["still ", "here"]) await within(send(client, word), "the client to send");
  assert.equal(await within(receive(device, 10), "the device to receive"), "still here");
  const rest = within(readAll(device.readable), "the client's end");
  await within(client.writable.close(), "the client to close");
  assert.equal((await rest).length, 0);
  assert.equal(await within(wire.served, "the call to end"), undefined);
});

Deno.test("a cable that is pulled is an error for both readers, never an end", async () => {
  for (const isHalfClosed of [false, true]) {
    await using wire = await openWire();
    const { client, device } = wire;
    await send(client, "half a ");
    await send(device, "half b ");
    assert.equal(await receive(device, 7), "half a ");
    assert.equal(await receive(client, 7), "half b ");
    if (isHalfClosed) {
      await client.writable.close();
      assert.equal((await readAll(device.readable)).length, 0);
    }
    const atClient = rejectsWith(within(readAll(client.readable), "the client to notice"), "connection_lost");
    const atDevice = isHalfClosed ? undefined : breaks(readAll(device.readable), "the device to notice");
    wire.cut();
    await atClient;
    await atDevice;
    await breaks(device.writable.getWriter().closed, "the device's sender to notice");
    if (!isHalfClosed) await breaks(sendAll(client, [new Uint8Array(1)]), "the sender to notice");
  }
});

Deno.test("a client that gives up ends the device's side both ways", async () => {
  const leave: Record<string, (client: FrameStream, abort: AbortController) => Promise<unknown>> = {
    "its signal fires": (_client, abort) => Promise.resolve(abort.abort()),
    "its reader cancels": ({ readable }) => readable.cancel(),
    "its writer aborts": ({ writable }) => writable.abort(),
  };
  for (const [how, act] of Object.entries(leave)) {
    const abort = new AbortController();
    await using wire = await openWire(abort.signal);
    const { client, device } = wire;
    await send(client, "hello");
    assert.equal(await receive(device, 5), "hello");
    const read = breaks(readAll(device.readable), `${how}: the device's reader`);
    const written = breaks(device.writable.getWriter().closed, `${how}: the device's writer`);
    await act(client, abort);
    await read;
    await written;
  }
});

Deno.test("a failure of the device's sender is the client's error, after all that was sent before", async () => {
  await using wire = await openWire();
  const { client, device } = wire;
  await send(device, "partial");
  assert.equal(await receive(client, 7), "partial");
  const failed = rejectsWith(within(readAll(client.readable), "the client's reader"), "io");
  await device.writable.abort(new DriverError("io", "the plug was pulled"));
  assert.equal((await failed).message, "the plug was pulled");
  await breaks(sendAll(client, [new Uint8Array(1)]), "the client's writer");
  await breaks(readAll(device.readable), "the device's reader");
});

Deno.test("a device that takes no more ends the client's writer, also in the middle of a write", async () => {
  await using wire = await openWire();
  const { client, device } = wire;
  await send(client, "hello");
  assert.equal(await receive(device, 5), "hello");
  const read = rejectsWith(within(readAll(client.readable), "the client's reader"), "unavailable");
  const written = rejectsWith(
    within(sendAll(client, Array(256).fill(new Uint8Array(256 * 1024))), "the client's writer"),
    "unavailable",
  );
  await device.readable.cancel(new DriverError("unavailable", "the device is gone"));
  assert.equal((await read).message, "the device is gone");
  await written;
});

for (const direction of ["client", "device"] as const) {
  Deno.test(`a reader that comes late loses nothing that the ${direction} has sent`, async () => {
    await using wire = await openWire();
    const [from, to] = direction === "client" ? [wire.client, wire.device] : [wire.device, wire.client];
    const piece = Uint8Array.from({ length: 256 * 1024 }, (_, index) => index % 251);
    const sending = sendAll(from, Array(64).fill(piece));
    // By then all that can be on the way is, which is told by nothing but time.
    await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, 300))]);
    const received = Buffer.from(await within(readAll(to.readable), "the reader"));
    await within(sending, "the writer");
    assert.ok(received.equals(Buffer.concat(Array(64).fill(piece))));
  });
}

Deno.test("the last bytes arrive although the device has closed before", async () => {
  await using wire = await openWire();
  const { client, device } = wire;
  await device.writable.close();
  await within(readAll(client.readable), "the device's end");
  const piece = new Uint8Array(8 * 1024 * 1024).fill(5);
  const received = readAll(device.readable);
  await within(sendAll(client, [piece]), "the writer");
  assert.equal((await within(received, "the device")).length, piece.length);
});

Deno.test("a stream that nobody reads does not hold up the calls beside it", async () => {
  const [driver] = streamPair();
  await using bench = await openBench({
    exporter: { driverCall: ({ args }) => ({ result: args[0] }) },
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        yield* relayFrames(requests, driver, call.signal);
      },
    },
  });
  const stalled = openFrameStream(bench.channel.duplex(streamMethod, {}));
  const writer = stalled.writable.getWriter();
  void writer.write(new Uint8Array(16 * 1024 * 1024)).catch(() => {});
  for (let round = 0; round < 20; round++) {
    const args = [toValue("x".repeat(100_000))];
    await within(bench.channel.unary(driverCall, { args }, { timeoutMs: 5_000 }), "a call beside it");
  }
  stalled.cancel();
});

Deno.test("a file whose call is given up is not called whole, though its source ends quietly", async () => {
  const [driver, device] = streamPair();
  const abort = new AbortController();
  const noRequests = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const frames = relayFrames(noRequests, driver, abort.signal, "file");
  const sending = send(device, "half a file");
  const first = await frames.next();
  assert.equal(Buffer.from(first.value?.payload ?? []).toString(), "half a file");
  await sending;
  const next = frames.next();
  abort.abort(new DriverError("cancelled", "stopped"));
  await rejectsWith(within(next, "the relay to end"), "cancelled");
});

Deno.test("a call that is given up before its relay begins ends at once, and the device's side with it", async () => {
  for (const kind of ["conversation", "file"] as const) {
    const [driver, device] = streamPair();
    const noRequests = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const given = AbortSignal.abort(new DriverError("cancelled", "stopped"));
    await rejectsWith(within(relayFrames(noRequests, driver, given, kind).next(), "the relay to end"), "cancelled");
    await breaks(readAll(device.readable), "the device's reader");
    await breaks(device.writable.getWriter().closed, "the device's writer");
  }
});

Deno.test("a server that ends the call of a file early ends a writer that has nothing to write", async () => {
  await using bench = await openBench({
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        for await (const _ of requests) return;
        yield {};
      },
    },
  });
  const { writable } = openFrameStream(bench.channel.duplex(streamMethod, {}), "file");
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(10));
  await rejectsWith(within(writer.closed, "the writer to be told"), "connection_lost");
});

/** Opens the stream of a file, as a client that ends its own direction when it likes. */
async function openFile(endLimitMs?: number) {
  const [driver, device] = streamPair();
  device.readable.pipeTo(new WritableStream()).catch(() => {/* the client has gone */});
  const served = { isOver: false };
  const bench = await openBench({
    exporter: { driverCall: () => ({}) },
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        yield* relayFrames(requests, driver, call.signal, "file", { endLimitMs });
        served.isOver = true;
      },
    },
  });
  const call = bench.channel.duplex(streamMethod, {});
  return { bench, device, call, served, frames: Array.fromAsync(call.messages()) };
}

Deno.test("the call of a file goes on until the client has ended its direction as well", async () => {
  const { bench, device, call, served, frames } = await openFile();
  await using _bench = bench;
  await within(sendAll(device, [new Uint8Array(10)]), "the device to send");
  // What had been sent before this call was answered has come.
  await within(bench.channel.unary(driverCall, {}), "a call beside it");
  assert.equal(served.isOver, false);
  await within(call.send({ frameType: pb.FrameType.GOAWAY }), "the client's end");
  call.halfClose();
  const kinds = (await within(frames, "the end of the call")).map(({ frameType }) => frameType);
  assert.deepEqual(kinds, [pb.FrameType.DATA, pb.FrameType.GOAWAY]);
});

Deno.test("a client that never ends the direction of its file is waited for no longer than is said", async () => {
  const { bench, device, frames } = await openFile(20);
  await using _bench = bench;
  await within(sendAll(device, [new Uint8Array(10)]), "the device to send");
  assert.equal((await within(frames, "the end of the call")).length, 2);
});
