/** What the tests of raw streams share: a device in memory behind a real connection, and ways to cut that. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { Channel } from "./channel.ts";
import { type Bench, listenRaw, openBench, streamMethod } from "./bench_test.ts";
import { type FrameStream, openFrameStream, relayFrames } from "./frame_stream.ts";

/** A client's stream and the device at its other end. */
export interface Wire extends AsyncDisposable {
  readonly client: FrameStream;
  readonly device: FrameStream;
  /** Settles when the server's side of the call has ended, with its error if it has one. */
  readonly served: Promise<unknown>;
  /** Pulls the cable between the two. */
  cut(): void;
}

/** Two streams, each of which reads what the other writes. */
export function streamPair(): [FrameStream, FrameStream] {
  const there = new TransformStream<Uint8Array, Uint8Array>(), back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: there.readable, writable: back.writable },
    { readable: back.readable, writable: there.writable },
  ];
}

/** Opens a raw stream to a device in memory, over TCP with a cable that can be pulled. */
export async function openWire(signal?: AbortSignal): Promise<Wire> {
  const [driver, device] = streamPair();
  const served = Promise.withResolvers<unknown>();
  const bench = await openBench({
    router: {
      async *stream(requests, call) {
        call.sendMetadata({});
        try {
          yield* relayFrames(requests, driver, call.signal);
          served.resolve(undefined);
        } catch (error) {
          served.resolve(error);
          throw error;
        } finally {
          served.resolve(new Error("the server's side was left"));
        }
      },
    },
  });
  const cable = await openCable(bench);
  const channel = new Channel({ address: { kind: "tcp", host: "127.0.0.1", port: cable.port } });
  return {
    client: openFrameStream(channel.duplex(streamMethod, {}, { signal })),
    device,
    served: served.promise,
    cut: () => cable.cut(),
    async [Symbol.asyncDispose]() {
      channel[Symbol.dispose]();
      await cable[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** A proxy before the server of a bench, for pulling. */
export async function openCable(
  { server: { address } }: Pick<Bench, "server">,
): Promise<AsyncDisposable & { port: number; cut(): void }> {
  if (address.kind !== "tcp") throw new Error("a cable is for TCP");
  const ends = new Set<Socket>();
  const cut = () => ends.forEach((end) => end.destroy());
  const listener = await listenRaw((near) => {
    const far = connect(address.port, "127.0.0.1");
    for (const end of [near, far]) {
      ends.add(end);
      end.on("error", () => {});
    }
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  return {
    port: listener.port,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await listener[Symbol.asyncDispose]();
    },
  };
}

/** All that is left to read, as one piece. */
export async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const reader = readable.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
  return Buffer.concat(pieces);
}

/** Writes text. */
export async function send({ writable }: FrameStream, text: string): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

/** Reads until `length` bytes have come, as text. */
export async function receive({ readable }: FrameStream, length: number): Promise<string> {
  const reader = readable.getReader();
  let text = "";
  while (text.length < length) {
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return text;
}
