/** Raw streams against peers that behave in every way that the contract allows, and some that it does not. */
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { until } from "../../tests/fixtures/until.ts";
import * as pb from "../../proto/mod.ts";
import { openBench, rejectsWith, streamMethod, within } from "./bench_test.ts";
import { Channel } from "./channel.ts";
import { readAll, streamPair } from "./frame_bench_test.ts";
import { type FrameStream, openFrameStream, type OutgoingFrame, relayFrames } from "./frame_stream.ts";
import { methodCodec } from "./service.ts";

const { DATA, GOAWAY, PING, RST_STREAM } = pb.FrameType;
const data = (text: string): OutgoingFrame => ({ payload: new TextEncoder().encode(text), frameType: DATA });
const unknownFrame = { payload: new Uint8Array([1]), frameType: 99 as pb.FrameType };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

type PeerCall = ServerDuplexStream<{ frameType: pb.FrameType; payload: Uint8Array }, OutgoingFrame>;

/** A client's stream to a peer that answers as `answer` has it. */
async function openPeer(answer: (call: PeerCall) => void): Promise<AsyncDisposable & { stream: FrameStream }> {
  const server = new Server();
  server.addService({ stream: methodCodec(streamMethod) }, { stream: answer });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, port) => error ? reject(error) : resolve(port),
    )
  );
  const channel = new Channel({ address: { kind: "tcp", host: "127.0.0.1", port } });
  return {
    stream: openFrameStream(channel.duplex(streamMethod, {}), "conversation", { patienceMs: 50, lingerMs: 100 }),
    [Symbol.asyncDispose]() {
      channel[Symbol.dispose]();
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

Deno.test("a peer that never ends the call is left once both have said GOAWAY", async () => {
  for (const first of ["peer", "client"]) {
    let isCancelled = false;
    await using peer = await openPeer((call) => {
      call.on("cancelled", () => isCancelled = true);
      call.on("data", ({ frameType }) => {
        if (frameType === GOAWAY && first === "client") call.write({ frameType: GOAWAY });
      });
      call.write(data("all"));
      if (first === "peer") call.write({ frameType: GOAWAY });
    });
    const { stream } = peer;
    if (first === "client") await within(stream.writable.close(), "the client to close");
    assert.equal(text(await within(readAll(stream.readable), "the end")), "all");
    assert.equal(isCancelled, first === "client" ? isCancelled : false);
    if (first === "peer") await within(stream.writable.close(), "the client to close");
    await until("the call to be ended from here", () => isCancelled);
  }
});

Deno.test("ABORTED after GOAWAY is a clean end, for the reader and for a writer that has no more to say", async () => {
  await using peer = await openPeer((call) => {
    call.resume();
    call.write(data("all"));
    call.write({ frameType: GOAWAY });
    call.emit("error", { code: status.ABORTED, details: "RouterStream: aborted" });
  });
  assert.equal(text(await within(readAll(peer.stream.readable), "the end")), "all");
  await within(peer.stream.writable.close(), "the writer to close");
});

Deno.test("ABORTED without GOAWAY is a broken stream", async () => {
  await using peer = await openPeer((call) => {
    call.resume();
    call.write(data("part"), () => call.emit("error", { code: status.ABORTED, details: "" }));
  });
  await rejectsWith(within(readAll(peer.stream.readable), "the reader"), "cancelled");
});

Deno.test("a peer that ends the call without GOAWAY has ended its data", async () => {
  await using peer = await openPeer((call) => {
    call.resume();
    call.write(data("all"));
    call.end();
  });
  assert.equal(text(await within(readAll(peer.stream.readable), "the end")), "all");
});

Deno.test("a peer that breaks off makes an error, and so does one that says RST_STREAM", async () => {
  await using broken = await openPeer((call) => {
    call.write(data("part"), () => call.emit("error", { code: status.UNKNOWN, details: "device unplugged" }));
  });
  const failed = rejectsWith(within(readAll(broken.stream.readable), "the reader"), "driver");
  assert.equal((await failed).message, "device unplugged");
  await using reset = await openPeer((call) => {
    call.write(data("part"));
    call.write({ frameType: RST_STREAM });
  });
  await rejectsWith(within(readAll(reset.stream.readable), "the reader"), "connection_lost");
});

Deno.test("a writer hears of it when the peer ends the call, whether it is writing or resting", async () => {
  const refuse = (call: PeerCall) => call.emit("error", { code: status.UNIMPLEMENTED, details: "not today" });
  await using idle = await openPeer(refuse);
  const closed = idle.stream.writable.getWriter().closed;
  assert.equal((await rejectsWith(within(closed, "the resting writer"), "unimplemented")).message, "not today");
  await using peer = await openPeer((call) => call.once("data", () => refuse(call)));
  const writer = peer.stream.writable.getWriter();
  const writing = (async () => {
    while (true) await writer.write(new Uint8Array(1_024));
  })();
  assert.equal((await rejectsWith(within(writing, "the writer"), "unimplemented")).message, "not today");
});

Deno.test("PING and unknown frames are passed over, both ways", async () => {
  const [driver, device] = streamPair();
  await using bench = await openBench({
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        const noise = [{ frameType: PING }, unknownFrame];
        yield* noise;
        for await (const frame of relayFrames(requests, driver, call.signal)) yield* [frame, ...noise];
      },
    },
  });
  const call = bench.channel.duplex(streamMethod, {});
  for (const frame of [{ frameType: PING }, data("a"), unknownFrame, data("b"), { frameType: GOAWAY }, data("c")]) {
    await call.send(frame);
  }
  assert.equal(text(await within(readAll(device.readable), "the device")), "ab", "nothing counts after GOAWAY");
  const writer = device.writable.getWriter();
  const sent = writer.write(new Uint8Array([1, 2])).then(() => writer.close());
  const frames: number[] = [];
  for await (const { frameType } of call.messages()) frames.push(frameType);
  await sent;
  assert.deepEqual(frames, [PING, 99, DATA, PING, 99, GOAWAY, PING, 99]);
  await using peer = await openPeer((call) => {
    call.resume();
    for (const frame of [{ frameType: PING }, data("a"), unknownFrame, data("b"), { frameType: GOAWAY }]) {
      call.write(frame);
    }
  });
  assert.equal(text(await within(readAll(peer.stream.readable), "the client")), "ab");
});

Deno.test("a client that breaks off or only half closes is told apart by the device", async () => {
  const ends: [OutgoingFrame | undefined, boolean][] = [[{ frameType: RST_STREAM }, false], [undefined, true]];
  for (const [last, isEnd] of ends) {
    const [driver, device] = streamPair();
    await using bench = await openBench({
      router: {
        async *stream(requests, call) {
          call.sendMetadata({});
          yield* relayFrames(requests, driver, call.signal);
        },
      },
    });
    const call = bench.channel.duplex(streamMethod, {});
    await call.send(data("part"));
    if (last === undefined) call.halfClose();
    else await call.send(last);
    const read = within(readAll(device.readable), "the device");
    if (isEnd) assert.equal(text(await read), "part");
    else await rejectsWith(read, "connection_lost");
  }
});

Deno.test("frames of up to 4 MiB are taken, in both roles", async () => {
  const payload = Uint8Array.from({ length: 4 * 1024 * 1024 - 16 }, (_, index) => index % 251);
  await using peer = await openPeer((call) => {
    call.resume();
    call.write({ payload, frameType: DATA });
    call.write({ frameType: GOAWAY });
  });
  assert.ok(Buffer.from(payload).equals(await within(readAll(peer.stream.readable), "the client")));
  const [driver, device] = streamPair();
  await using bench = await openBench({
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        yield* relayFrames(requests, driver, call.signal);
      },
    },
  });
  const call = bench.channel.duplex(streamMethod, {});
  const read = within(readAll(device.readable), "the device");
  await call.send({ payload, frameType: DATA });
  await call.send({ frameType: GOAWAY });
  assert.ok(Buffer.from(payload).equals(await read));
  await device.writable.close();
  for await (const _ of call.messages());
});
