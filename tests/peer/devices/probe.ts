/** A driver that does whatever the wire allows, for our exporter; `probe.py` is the same for the Python one. */
import { createHash } from "node:crypto";
import { z } from "zod";
import {
  type ByteStream,
  call,
  callStream,
  defineDriver,
  type DriverDefinition,
  DriverError,
  type Json,
  openStream,
} from "../../../mod.ts";

const failures: Readonly<Record<string, () => Error>> = {
  unimplemented: () => new DriverError("unimplemented", "this bench has no such thing"),
  value: () => new DriverError("invalid_argument", "the value is out of range"),
  timeout: () => Object.assign(new Error("the device took too long"), { code: "ETIMEDOUT" }),
  connection: () => Object.assign(new Error("the device refuses"), { code: "ECONNREFUSED" }),
  io: () => Object.assign(new Error("the device cannot be read"), { code: "EIO" }),
  other: () => new Error("the device is on fire"),
  empty: () => new Error(""),
  words: () => new Error("zwei Zeilen:\nπ ≈ 3 \u{1f50c} 100%"),
  long: () => new Error("x".repeat(100_000)),
};

const block = "0123456789abcdef".repeat(4096);
const json = z.custom<Json>(() => true);

class Device {
  made = 0;
  running = 0;

  fail(kind: string): never {
    throw failures[kind]?.() ?? new DriverError("invalid_argument", `no failure is called ${kind}`);
  }

  async wait(signal: AbortSignal): Promise<never> {
    this.running++;
    try {
      return await new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    } finally {
      this.running--;
    }
  }

  *count(end: number): Generator<number> {
    for (let number = 0; number < end; number++) yield number;
  }

  *flood(): Generator<string> {
    this.made = 0;
    this.running++;
    try {
      while (true) {
        this.made++;
        yield block;
      }
    } finally {
      this.running--;
    }
  }

  *failAfter(end: number, kind: string): Generator<number> {
    yield* this.count(end);
    this.fail(kind);
  }

  /** Reads a file of the client's; says how long it was, and its digest. */
  async take(file: ReadableStream<Uint8Array>): Promise<Json> {
    const digest = createHash("sha256");
    let count = 0;
    for await (const bytes of file) {
      count += bytes.length;
      digest.update(bytes);
    }
    return [count, digest.digest("hex")];
  }

  /** Writes a file of the client's. */
  async give(file: WritableStream<Uint8Array>, size: number): Promise<void> {
    const writer = file.getWriter();
    const bytes = new TextEncoder().encode(block);
    for (let start = 0; start < size; start += bytes.length) await writer.write(bytes.subarray(0, size - start));
    await writer.close();
  }

  /** A stream whose other end `device` is. */
  open(signal: AbortSignal, device: (stream: ByteStream) => Promise<void>): ByteStream {
    const toDevice = new TransformStream<Uint8Array, Uint8Array>();
    const toClient = new TransformStream<Uint8Array, Uint8Array>();
    this.running++;
    signal.addEventListener("abort", () => this.running--, { once: true });
    device({ readable: toDevice.readable, writable: toClient.writable }).catch(() => {/* its client has gone */});
    return { readable: toClient.readable, writable: toDevice.writable };
  }
}

/** Answers with what comes, as it comes. */
function echo({ readable, writable }: ByteStream): Promise<void> {
  return readable.pipeTo(writable);
}

/** A device that says something and ends, but listens on. */
function saying(words: Uint8Array): (stream: ByteStream) => Promise<void> {
  return async ({ readable, writable }) => {
    const writer = writable.getWriter();
    await writer.write(words);
    await writer.close();
    await readable.pipeTo(new WritableStream());
  };
}

/** Says how many bytes came, when the last one has. */
async function sumUp({ readable, writable }: ByteStream): Promise<void> {
  let count = 0;
  for await (const bytes of readable) count += bytes.length;
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode(String(count)));
  await writer.close();
}

const methods: DriverDefinition<unknown, Device>["methods"] = {
  echo: call({ args: z.tuple([json]), run: (_: Device, [value]) => value }),
  pair: call({ args: z.tuple([json, json.optional()]), run: (_: Device, [first, second]) => [first, second ?? null] }),
  nothing: call({ run: () => {} }),
  fail: call({ args: z.tuple([z.string()]), run: (device: Device, [kind]) => device.fail(kind) }),
  wait: call({ run: (device: Device, _, { signal }) => device.wait(signal) }),
  made: call({ run: (device: Device) => device.made }),
  running: call({ run: (device: Device) => device.running }),
  take: call({
    args: z.tuple([json]),
    run: async (device: Device, [src], { openSource }) => await device.take(await openSource(src)),
  }),
  give: call({
    args: z.tuple([json, z.int()]),
    run: async (device: Device, [dst, size], { openSink }) => await device.give(await openSink(dst), size),
  }),
  count: callStream({ args: z.tuple([z.int()]), run: (device: Device, [end]) => device.count(end) }),
  flood: callStream({ run: (device: Device) => device.flood() }),
  fail_after: callStream({
    args: z.tuple([z.int(), z.string()]),
    run: (device: Device, [end, kind]) => device.failAfter(end, kind),
  }),
  connect: openStream({ run: (device: Device, { signal }) => device.open(signal, echo) }),
  greet: openStream({
    run: (device: Device, { signal }) => device.open(signal, saying(new TextEncoder().encode("hello\n"))),
  }),
  // As much as a message has room for.
  burst: openStream({ run: (device: Device, { signal }) => device.open(signal, saying(new Uint8Array(4_000_000))) }),
  sum_up: openStream({ run: (device: Device, { signal }) => device.open(signal, sumUp) }),
};

/** For clients that know its class, which is the plain one. */
export const probe: DriverDefinition = defineDriver<unknown, Device>({
  type: "probe.Probe",
  client: "jumpstarter.client.DriverClient",
  summary: "Does whatever the wire allows",
  concurrent: true, // as everything is in Python
  start: () => new Device(),
  methods,
});

/** The same, of a class that no client knows. */
export const stranger: DriverDefinition = defineDriver<unknown, Device>({
  type: "probe.Stranger",
  client: "acme_bench.client.StrangerClient",
  summary: "Does whatever the wire allows, for nobody that knows its class",
  concurrent: true, // as everything is in Python
  start: () => new Device(),
  methods,
});
