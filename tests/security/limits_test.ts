/**
 * Peers that want more than their share, against an exporter as it is started: they are refused, its memory is bounded,
 * and everybody else is served meanwhile.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type Settings } from "node:http2";
import { connect, type Socket } from "node:net";
import { connectWith, type Exporter } from "../../src/client/mod.ts";
import { builtinDrivers } from "../../drivers/mod.ts";
import { type RunningExporter, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

/** The most that the exporter's memory may grow by, whatever is done to it; its own work moves it by some 50 MiB. */
const maxGrowthKib = 250 * 1_024;

/** How long an honest client's call may take while others attack. On a busy machine most of it is not the exporter's. */
const maxCallMs = 10_000;

interface Attacked extends AsyncDisposable {
  readonly exporter: RunningExporter;
  /** Opens a connection that has said nothing yet. */
  open(): Promise<Socket>;
  /** Fails unless an honest client, old or new, is served, and the memory is bounded. */
  holds(): Promise<void>;
}

async function attack(place: Place, security: readonly string[], args: readonly string[] = []): Promise<Attacked> {
  const exporter = await startExporter(place, { security, args });
  await exporter.ready();
  const fingerprint = /(sha256:\w+)/.exec(exporter.program.stderr)?.[1];
  const honest = () =>
    connectWith(builtinDrivers, exporter.address, { insecure: fingerprint === undefined, tlsFingerprint: fingerprint });
  const old = await honest();
  const before = await residentKib(exporter);
  const sockets = new Set<Socket>();
  return {
    exporter,
    async open() {
      const socket = connect(exporter.port, "127.0.0.1").on("error", () => {});
      sockets.add(socket.once("close", () => sockets.delete(socket)));
      await Promise.race([once(socket, "connect"), once(socket, "close")]);
      socket.resume();
      return socket;
    },
    async holds() {
      await using late = await honest();
      for (const client of [old, late]) await call(client);
      const grownKib = await residentKib(exporter) - before;
      assert.ok(grownKib < maxGrowthKib, `the exporter has grown by ${grownKib} KiB`);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await old[Symbol.asyncDispose]();
      assert.equal((await exporter.program.stop()).code, 0);
      await exporter[Symbol.asyncDispose]();
    },
  };
}

async function call(client: Exporter): Promise<void> {
  const begun = performance.now();
  await client.driver("power").call("on");
  const tookMs = performance.now() - begun;
  assert.ok(tookMs < maxCallMs, `a call took ${tookMs} ms`);
}

/** The memory of a process; 0 where the system does not tell. */
async function residentKib({ program }: RunningExporter): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${program.pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
}

const plaintext = ["--tls-grpc-insecure"];

for (const [name, security] of [["TLS", []], ["plaintext", plaintext]] as const) {
  Deno.test(`10,000 handshakes that are begun and left, over ${name}`, async () => {
    await using place = await Place.open();
    await using attacked = await attack(place, security);
    // The beginning of a ClientHello, or of HTTP/2's preface.
    const beginning = security.length === 0
      ? new Uint8Array([0x16, 3, 1, 2, 0, 1, 0])
      : new TextEncoder().encode("PRI");
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 500 }, async () => (await attacked.open()).write(beginning)));
      if (round % 5 === 4) await attacked.holds();
    }
    const lines = attacked.exporter.program.stderr.split("\n").filter((line) => line.includes("there are more than"));
    assert.ok(lines.length > 0 && lines.length < 500, `${lines.length} lines of log`);
  });
}

Deno.test("peers that say one byte at a time are shown out in time", async () => {
  await using place = await Place.open();
  await using attacked = await attack(place, plaintext, ["--handshake-timeout", "2s"]);
  const slow = await Promise.all(Array.from({ length: 200 }, () => attacked.open()));
  const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  let said = 0;
  const drip = setInterval(() => {
    for (const socket of slow) socket.write(preface.slice(said, said + 1));
    said++;
  }, 200);
  try {
    await attacked.holds();
    await until("all are shown out", () => slow.every((socket) => socket.closed || socket.destroyed));
    await attacked.holds();
  } finally {
    clearInterval(drip);
  }
});

Deno.test("a message of 100 MB is refused before it is held, and the connection goes on", async () => {
  await using place = await Place.open();
  await using attacked = await attack(place, plaintext);
  const client = connectHttp2(`http://${attacked.exporter.address}`).on("error", () => {});
  const stream = client.request({
    ":method": "POST",
    ":path": "/jumpstarter.v1.ExporterService/DriverCall",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {}).resume();
  const headers = new Promise<Record<string, unknown>>((resolve) => {
    stream.on("response", (answer) => "grpc-status" in answer && resolve(answer));
    stream.on("trailers", resolve);
  });
  const prefix = new Uint8Array(5);
  new DataView(prefix.buffer).setUint32(1, 100_000_000);
  stream.write(prefix);
  const part = new Uint8Array(1_000_000);
  for (let count = 0; count < 100 && stream.writable; count++) {
    if (!stream.write(part)) {
      await Promise.race([once(stream, "drain"), once(stream, "close"), headers]).catch(() => {});
    }
    if (stream.destroyed || stream.rstCode) break;
  }
  assert.equal(String((await headers)["grpc-status"]), "8");
  await attacked.holds();
  client.destroy();
});

Deno.test("a config that stands for more than memory holds is refused at once, and so is a large one", async () => {
  await using place = await Place.open();
  const bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 12; level++) {
    bomb.push(`a${level}: &a${level} [${new Array(9).fill(`*a${level - 1}`).join(", ")}]`);
  }
  const check = async (text: string, ...args: string[]) =>
    await runJmp(place, ["config", "check", ...args, await place.write("c.yaml", text)]);
  const exploded = await check(bomb.join("\n"));
  assert.equal(exploded.code, 3);
  assert.match(exploded.stderr, /the aliases stand for more than 10000 values/);
  const large = await check(`# ${"x".repeat(2 * 1024 * 1024)}`);
  assert.match(large.stderr, /larger than 1 MiB/);

  const text = await Deno.readTextFile(await writeConfig(place));
  assert.equal((await check(text)).code, 0);
  assert.match((await check(text + "\n".repeat(2_000), "--max-config-size", "1KiB")).stderr, /larger than 1 KiB/);
  const aliased = text.replace(/^\{/, "") && `motd: &m hello\ndescription: *m\n${yamlOf(text)}`;
  assert.equal((await check(aliased)).code, 0, (await check(aliased)).stderr);
  assert.match((await check(aliased, "--max-aliased-values", "0")).stderr, /stand for more than 0 values/);
});

/** A config in JSON as a mapping without braces, so that lines can be put before it. */
function yamlOf(json: string): string {
  return Object.entries(JSON.parse(json)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join("\n");
}

Deno.test("each limit is what its option says", async (t) => {
  await using place = await Place.open();
  await using attacked = await attack(place, plaintext, [
    ...["--max-connections", "8", "--max-streams", "50", "--max-message-size", "64KiB", "--max-metadata-size", "8KiB"],
    ...["--handshake-timeout", "1s", "--idle-timeout", "1s"],
  ]);
  const { program, address, shell } = attacked.exporter;
  await t.step("streams and metadata, which peers are told", async () => {
    const client = connectHttp2(`http://${address}`).on("error", () => {});
    const [settings] = await once(client, "remoteSettings") as [Settings];
    assert.deepEqual([settings.maxConcurrentStreams, settings.maxHeaderListSize], [50, 8_192]);
    client.destroy();
  });
  await t.step("idle time", async () => {
    const client = connectHttp2(`http://${address}`).on("error", () => {});
    await once(client, "remoteSettings");
    await once(client, "close");
  });
  await t.step("handshake time", async () => {
    const socket = await attacked.open();
    await once(socket, "close");
    await program.seeErr(/its handshake took more than 1 s/);
  });
  await t.step("connections", async () => {
    await Promise.all(Array.from({ length: 12 }, () => attacked.open()));
    await program.seeErr(/there are more than 8/);
  });
  await t.step("message size", async () => {
    const words = (length: number) => [...shell, "--", "j", "call", "power", "on", JSON.stringify("x".repeat(length))];
    assert.match((await runJmp(place, words(70_000))).stderr, /larger than max|too large|too long/);
    assert.doesNotMatch((await runJmp(place, words(10_000))).stderr, /larger than max|too large|too long/);
  });
});
