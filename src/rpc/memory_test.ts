import assert from "node:assert/strict";

/** Streams `megabytes` through a real connection in a Deno of its own, and answers what that holds in the midst of it. */
async function heldMiB(megabytes: number): Promise<number> {
  const dir = await Deno.makeTempDir({ prefix: "rpc-test-" });
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  await Deno.writeTextFile(
    `${dir}/probe.ts`,
    `import { bindService, Channel, serve } from ${url("./mod.ts")};
    import { RouterService } from ${url("../../proto/mod.ts")};
    import { Listener } from ${url("../listener.ts")};
    import { Logger } from ${url("../log.ts")};
    const listener = await Listener.open({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const services = [bindService(RouterService, {
      async *stream(requests) {
        for await (const _ of requests) yield { payload: new Uint8Array(64 * 1024) };
      },
    })];
    await using server = serve({ listener, services, log: new Logger(() => {}) });
    using channel = new Channel({ address: server.address });
    const call = channel.duplex(RouterService.method.stream, {});
    let left = ${megabytes} * 16;
    await call.send({});
    for await (const _ of call.messages()) {
      if (--left > 0) await call.send({});
      else break;
    }
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve));
    globalThis.gc();
    const { heapUsed, external } = Deno.memoryUsage();
    console.log((heapUsed + external) / 1024 / 1024);`,
  );
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = [
    "run",
    "--quiet", // what is downloaded the first time is not what is looked at
    "-A",
    "--no-check",
    "--no-lock",
    "--config",
    config,
    "--v8-flags=--expose-gc",
    `${dir}/probe.ts`,
  ];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  await Deno.remove(dir, { recursive: true });
  assert.equal(new TextDecoder().decode(stderr), "");
  return Number(new TextDecoder().decode(stdout));
}

Deno.test("a long stream holds no more than a short one", async () => {
  const [short, long] = await Promise.all([heldMiB(8), heldMiB(200)]);
  assert.ok(long < short + 20, `${short.toFixed()} MiB after 8 MiB, ${long.toFixed()} MiB after 200 MiB`);
});
