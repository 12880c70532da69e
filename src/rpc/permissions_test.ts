import assert from "node:assert/strict";
import { makeSelfSigned } from "../../tests/fixtures/certificate.ts";
import { freePort } from "./bench_test.ts";
import type { KeyedPem } from "../pem.ts";

/** The environment variables that grpc-js reads when it is imported, as the door's own text has them. */
const door = await Deno.readTextFile(new URL("./mod.ts", import.meta.url));
const documented = [...door.matchAll(/`((?:GRPC_|grpc_|http_|https_|no_)\w+)`/g)].map(([, name]) => name);

/** Serves, with a certificate or without, and calls what is served, in a Deno of its own that has just these permissions. */
async function callUnder(flags: readonly string[], address: unknown, certificate?: KeyedPem): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "rpc-test-" });
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  await Deno.writeTextFile(
    `${dir}/probe.ts`,
    `import { bindService, Channel, serve } from ${url("./mod.ts")};
    import { RouterService } from ${url("../../proto/mod.ts")};
    import { Listener } from ${url("../listener.ts")};
    import { Logger } from ${url("../log.ts")};
    try {
      const services = [bindService(RouterService, { async *stream() { yield { frameType: 7 }; } })];
      const certificate = ${JSON.stringify(certificate)};
      const log = new Logger(() => {});
      await using listener = await Listener.open(${JSON.stringify(address)});
      await using server = serve({ listener, services, log, certificate });
      using channel = new Channel({ address: server.address, tls: certificate && { ca: certificate.cert } });
      const call = channel.duplex(RouterService.method.stream, {});
      for await (const { frameType } of call.messages()) console.log("frame", frameType);
    } catch (error) {
      console.log(error.message);
    }`,
  );
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "--no-prompt", "--no-lock", "--config", config, ...flags, `${dir}/probe.ts`];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  await Deno.remove(dir, { recursive: true });
  return new TextDecoder().decode(stdout.length > 0 ? stdout : stderr).trim();
}

const env = [`--allow-env=${documented.join(",")}`];

Deno.test("TCP needs the address, and the documented variables or none of the environment at all", async () => {
  const port = await freePort();
  const address = { kind: "tcp", host: "127.0.0.1", port };
  const net = `--allow-net=127.0.0.1:${port}`;
  assert.equal(await callUnder([net, ...env], address), "frame 7");
  assert.equal(await callUnder([net, "--ignore-env"], address), "frame 7");
  assert.match(await callUnder(env, address), /net access/);
  assert.match(await callUnder([net], address), /env access/);
});

Deno.test("TLS needs no more than plaintext", async () => {
  const port = await freePort();
  const address = { kind: "tcp", host: "127.0.0.1", port };
  const net = `--allow-net=127.0.0.1:${port}`;
  const certificate = await makeSelfSigned();
  assert.equal(await callUnder([net, ...env], address, certificate), "frame 7");
  assert.equal(await callUnder([net, "--ignore-env"], address, certificate), "frame 7");
  assert.match(await callUnder(env, address, certificate), /net access/);
  assert.match(await callUnder([net], address, certificate), /env access/);
});

Deno.test("each documented variable is needed", async () => {
  const port = await freePort();
  const address = { kind: "tcp", host: "127.0.0.1", port };
  const without = (name: string) => documented.filter((other) => other !== name).join(",");
  for (const name of documented.filter((name): name is string => name !== undefined)) {
    const outcome = await callUnder([`--allow-net=127.0.0.1:${port}`, `--allow-env=${without(name)}`], address);
    assert.match(outcome, /env access/, name);
  }
});

Deno.test("a Unix socket needs net, read and write of its path", async () => {
  const dir = await Deno.makeTempDir({ prefix: "rpc-test-" });
  const path = `${dir}/x.sock`;
  const flags = [`--allow-net=unix:${path}`, `--allow-read=${path}`, `--allow-write=${path}`];
  const address = { kind: "unix", path };
  assert.equal(await callUnder([...flags, "--ignore-env"], address), "frame 7");
  for (const missing of flags) {
    const left = flags.filter((flag) => flag !== missing);
    assert.notEqual(await callUnder([...left, "--ignore-env"], address), "frame 7", missing);
  }
  await Deno.remove(dir, { recursive: true });
});
