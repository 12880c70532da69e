/**
 * Some clients of the soak, in one process, which may be killed at any time: `ARGS[0]` is the exporter's address,
 * `ARGS[1]` how many clients, `ARGS[2]` a name that no other process has. Prints how many calls were done since the last
 * line, and every error that is no part of the plan.
 */
import { OpendalClient } from "../drivers/opendal/client.ts";
import { NetworkClient } from "../drivers/network/client.ts";
import { PowerClient } from "../drivers/power/client.ts";
import { ShellClient } from "../drivers/shell/client.ts";
import { connect, type Exporter, JumpstarterError } from "../mod.ts";

const [address = "", count = "", name = ""] = Deno.args;
const content = new Uint8Array(64 * 1024).fill(7);
let calls = 0;

/** One thing that a client does, how often in a hundred, and how many calls that is. */
interface Use {
  readonly share: number;
  readonly calls: number;
  readonly run: (exporter: Exporter, path: string) => Promise<unknown>;
}

const uses: readonly Use[] = [
  { share: 44, calls: 2, run: (exporter) => exporter.driver("power", PowerClient).cycle({ waitMs: 0 }) },
  { share: 33.5, calls: 1, run: (exporter) => exporter.driver("counter").call("mark") },
  { share: 10, calls: 1, run: (exporter) => Array.fromAsync(exporter.driver("power").callStream("read")) },
  { share: 3, calls: 3, run: (exporter, path) => exporter.driver("storage", OpendalClient).writeBytes(path, content) },
  { share: 4, calls: 1, run: givenUp },
  { share: 4, calls: 1, run: echo },
  { share: 1, calls: 1, run: uploadGivenUp },
  { share: 0.5, calls: 1, run: (exporter) => exporter.driver("tools", ShellClient).run("short") },
];

/** A call that its caller gives up. */
async function givenUp(exporter: Exporter): Promise<void> {
  await expectGivenUp((signal) => exporter.driver("counter").call("wait", [], { signal }));
}

/** An upload that its client gives up. */
async function uploadGivenUp(exporter: Exporter, path: string): Promise<void> {
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(content) });
  await expectGivenUp((signal) => exporter.driver("storage", OpendalClient).write(path, endless(), { signal }));
}

async function expectGivenUp(begin: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const abort = new AbortController();
  const outcome = begin(abort.signal).then(() => "done", (error) => error);
  await new Promise((resolve) => setTimeout(resolve, 10));
  abort.abort();
  const error = await outcome;
  if (!(error instanceof JumpstarterError) || error.code !== "cancelled") throw error;
}

/** Sends bytes through a raw stream, and wants them back. */
async function echo(exporter: Exporter): Promise<void> {
  const { readable, writable } = await exporter.driver("echo", NetworkClient).connect();
  const writer = writable.getWriter();
  const sent = writer.write(content).then(() => writer.close());
  const received = await new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer();
  await sent;
  if (received.byteLength !== content.length) throw new Error(`${received.byteLength} bytes came back`);
}

function choose(): Use {
  let left = Math.random() * 100;
  return uses.find(({ share }) => (left -= share) < 0) ?? uses[0] as Use;
}

async function live(index: number): Promise<void> {
  for (;;) {
    await using exporter = await connect(address, { insecure: true });
    // A client stays for some minutes, goes, and another one comes.
    for (let left = 200 + Math.random() * 2_000; left > 0; left--) {
      const use = choose();
      await use.run(exporter, `${name}-${index}.img`);
      calls += use.calls;
    }
  }
}

setInterval(() => {
  console.log(`calls ${calls}`);
  calls = 0;
}, 500);

for (let index = 0; index < Number(count); index++) {
  live(index).catch((error) => console.log(`error ${error?.stack ?? error}`.replaceAll("\n", " | ")));
}
