/** Connections that break at any byte of anything: clients get this project's errors, and the exporter keeps nothing. */
import assert from "node:assert/strict";
import { OpendalClient } from "../../drivers/opendal/client.ts";
import { PowerClient } from "../../drivers/power/client.ts";
import { ShellClient } from "../../drivers/shell/client.ts";
import { connect, type Exporter, JumpstarterError } from "../../mod.ts";
import { layCable } from "../fixtures/cable.ts";
import { FaultBench, holdingsOf } from "../fixtures/fault_bench.ts";
import { Place } from "../fixtures/place.ts";

const isLinux = Deno.build.os === "linux";
const connections = 300;
const atATime = 20;

/** The same numbers for the same seed (mulberry32), between 0 and 1. */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const upload = () =>
  new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(16_384)) });

/** What a client does until its connection breaks. */
const uses: Record<string, (exporter: Exporter) => Promise<unknown>> = {
  calls: async (exporter) => {
    for (;;) await exporter.driver("power", PowerClient).on();
  },
  "a call that waits": (exporter) => exporter.driver("patient").call("wait"),
  readings: async (exporter) => {
    for (;;) await Array.fromAsync(exporter.driver("power").callStream("read"));
  },
  "an upload": (exporter) => exporter.driver("storage", OpendalClient).write("kept.img", upload()),
  "a script": (exporter) => exporter.driver("tools", ShellClient).run("endless"),
  "a console": async (exporter) => {
    const { readable, writable } = await exporter.driver("serial").openStream("connect");
    const writing = writable.getWriter().write(new Uint8Array(100_000));
    writing.catch(() => {/* told by what is read */});
    for await (const _ of readable);
    throw new JumpstarterError("connection_lost", "ended");
  },
  "the log": async (exporter) => {
    for await (const _ of exporter.logs());
  },
};

Deno.test({
  name: `${connections} connections that break at random${isLinux ? "" : " (not run: needs /proc)"}`,
  ignore: !isLinux,
  async fn() {
    const seed = Number(Deno.env.get("JMP_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`JMP_TEST_SEED=${seed} repeats this run`);
    const random = randomFrom(seed);
    await using place = await Place.open();
    await using bench = await FaultBench.open(place);
    await Deno.writeTextFile(place.path("storage", "kept.img"), "whole");
    const before = await holdingsOf(bench.exporter.program.pid);
    // Half of them in the handshake and the first call, half in the midst of something.
    const breaks = () => ({
      afterBytes: Math.floor(random() * (random() < 0.5 ? 1_500 : 60_000)),
      afterMs: 20 + random() * 1_000,
    });
    await using cable = layCable(bench.exporter.port, { breaks });
    const names = Object.keys(uses);
    let begun = 0;
    const codes: Record<string, number> = {};
    const work = async () => {
      while (begun++ < connections) {
        const name = names[Math.floor(random() * names.length)] ?? "";
        const error = await breakOne(cable.port, uses[name] ?? assert.fail());
        assert.ok(error instanceof JumpstarterError, `${name}: ${error instanceof Error ? error.stack : error}`);
        codes[error.code] = (codes[error.code] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: atATime }, work));
    await bench.holdsOnly(before);
    assert.equal(await Deno.readTextFile(place.path("storage", "kept.img")), "whole");
    await bench.serves();
    assert.doesNotMatch(bench.exporter.program.stderr, /internal|TypeError|Uncaught/, "no fault of the program's own");
    console.log(codes);
  },
});

async function breakOne(port: number, use: (exporter: Exporter) => Promise<unknown>): Promise<unknown> {
  const signal = AbortSignal.timeout(60_000);
  try {
    await using exporter = await connect(`127.0.0.1:${port}`, {
      insecure: true,
      readyTimeoutMs: 10_000,
      reconnectTimeoutMs: 0,
      signal,
    });
    await Promise.race([use(exporter), new Promise((_, reject) => signal.addEventListener("abort", reject))]);
    return new Error("it went well");
  } catch (error) {
    return error;
  }
}
