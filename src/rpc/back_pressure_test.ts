/** A reader that stops makes the far end's writer stop, and nobody else; when it goes on, nothing is missing. */
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { assertPieces, keepWriting, whenStopped } from "../../tests/fixtures/back_pressure.ts";
import { makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import {
  driverCall,
  logStream,
  openBench,
  streamingDriverCall,
  streamMethod,
  type TestHandlers,
  within,
} from "./bench_test.ts";
import type { Channel } from "./channel.ts";
import { streamPair } from "./frame_bench_test.ts";
import { openFrameStream, relayFrames } from "./frame_stream.ts";
import type { ServerCertificate } from "./tls.ts";
import { toValue } from "./value.ts";
import { ADMITTED_WINDOW_BYTES } from "./window.ts";

/** The most that a writer may be ahead of a reader who has stopped: what may be on its way, and our own buffers. */
const maxAheadBytes = 2 * ADMITTED_WINDOW_BYTES;

/** A server that has one device behind its raw stream, and answers calls. */
async function openDevice(certificate?: ServerCertificate) {
  const [driver, device] = streamPair();
  const handlers: TestHandlers = {
    exporter: { driverCall: ({ args }) => ({ result: args[0] }) },
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        yield* relayFrames(requests, driver, call.signal);
      },
    },
  };
  const bench = await openBench(handlers, { certificate }, { tls: certificate && { ca: certificate.cert } });
  return { bench, device, client: openFrameStream(bench.channel.duplex(streamMethod, {})) };
}

/** A call that the server answers, on the same connection. */
const callBeside = (channel: Channel) => () =>
  within(channel.unary(driverCall, { args: [toValue("x".repeat(1_000))] }), "a call beside it");

const rows = [["device", "plaintext"], ["device", "TLS"], ["client", "plaintext"], ["client", "TLS"]] as const;
for (const [direction, security] of rows) {
  Deno.test(`a ${direction} that reads nothing stops the sender over ${security}, until it reads again`, async () => {
    const { bench, device, client } = await openDevice(security === "TLS" ? await makeSelfSigned() : undefined);
    await using _ = bench;
    const [from, to] = direction === "device" ? [client, device] : [device, client];
    const writer = keepWriting(from.writable, 4 * maxAheadBytes);
    await whenStopped(writer, maxAheadBytes, callBeside(bench.channel));
    await within(assertPieces(to.readable, 4 * maxAheadBytes), "the rest");
    await within(writer.done, "the writer");
  });
}

/** Calls a streaming method of a server, reads one response, and no more until the server has stopped. */
async function neglect<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { input: I; output: O },
  responseBytes: number,
): Promise<void> {
  const writer = { bytes: 0 };
  const closed = Promise.withResolvers<void>();
  async function* produce() {
    try {
      while (true) {
        yield { result: toValue("x".repeat(responseBytes)), message: "x".repeat(responseBytes) };
        writer.bytes += responseBytes;
      }
    } finally {
      closed.resolve();
    }
  }
  await using bench = await openBench({
    exporter: { driverCall: () => ({}), streamingDriverCall: produce, logStream: produce },
  });
  const responses = bench.channel.serverStream(method, {} as never);
  await responses.next();
  const before = await whenStopped(writer, maxAheadBytes, callBeside(bench.channel));
  while (writer.bytes === before) await within(responses.next(), "it to go on");
  await responses.return(undefined);
  await within(closed.promise, "the generator to be closed");
}

Deno.test("a client that does not read the values of a call stops the driver, whatever their size", async () => {
  for (const bytes of [1_000, 60_000, 1_000_000]) await neglect(streamingDriverCall, bytes);
});

Deno.test("a client that does not read log lines stops their source", async () => {
  await neglect(logStream, 2_000);
});
