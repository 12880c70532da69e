/**
 * Faults at the wire: peers that speak something else, say nonsense in every method, or vanish in the midst of every
 * kind of call. The exporter lives, answers the next client, and holds afterwards what it held before.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { create, toBinary } from "@bufbuild/protobuf";
import { connect as connectTo } from "node:net";
import * as pb from "../../proto/mod.ts";
import { connect, type Exporter } from "../../mod.ts";
import { within } from "../../src/rpc/bench_test.ts";
import { toValue } from "../../src/rpc/mod.ts";
import { layCable } from "../fixtures/cable.ts";
import { type RunningExporter, startExporter } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place, repository } from "../fixtures/place.ts";
import { Program } from "../fixtures/program.ts";
import { deviceType } from "../peer/support/side.ts";
import { type Answer, BytesClient } from "./golden/bytes_client.ts";

const ignore = Deno.build.os !== "linux"; // what a process holds is read from /proc

/** An exporter with a device of each kind, and what is known of it from outside. */
interface Bench extends AsyncDisposable {
  readonly place: Place;
  readonly exporter: RunningExporter;
  /** How many connections the device on TCP has. */
  readonly deviceConnections: () => number;
  /** What the exporter holds now: descriptors by kind, children, half-written files, calls under way. */
  holds(): Promise<Record<string, number>>;
  /** Fails unless the exporter serves the next client, and comes to hold what it held `before`. */
  assertAsBefore(before: Record<string, number>): Promise<void>;
}

async function openBench(): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await Place.open());
  const device = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  stack.defer(() => device.close());
  let deviceConnections = 0;
  void (async () => {
    for await (const connection of device) {
      deviceConnections++;
      connection.readable.pipeTo(connection.writable).catch(() => {}).finally(() => deviceConnections--);
    }
  })();
  const root = place.path("store");
  const exporter = stack.use(
    await startExporter(place, {
      config: {
        export: {
          power: { type: "jumpstarter_driver_power.driver.MockPower" },
          probe: { type: deviceType({ name: "ours" }, "probe", "Probe") },
          net: {
            type: "jumpstarter_driver_network.driver.TcpNetwork",
            config: { host: "127.0.0.1", port: device.addr.port },
          },
          store: { type: "jumpstarter_driver_opendal.driver.Opendal", config: { scheme: "fs", kwargs: { root } } },
          tools: {
            type: "jumpstarter_driver_shell.driver.Shell",
            config: { methods: { hang: "echo begun; exec sleep 4717" } },
          },
        },
      },
    }),
  );
  await exporter.ready();
  const asClient = async <T>(use: (client: Exporter) => Promise<T>): Promise<T> => {
    await using client = await connect(exporter.address, { insecure: true });
    return await use(client);
  };
  const holds = async () => {
    const running = Number(await asClient((client) => client.driver("probe").call("running")));
    const halves = (await Array.fromAsync(Deno.readDir(root))).length;
    const children = (await place.processes()).size;
    return { ...await descriptors(exporter.program.pid), running, halves, children, deviceConnections };
  };
  const owned = stack.move();
  return {
    place,
    exporter,
    deviceConnections: () => deviceConnections,
    holds,
    async assertAsBefore(before) {
      assert.deepEqual(await asClient((client) => client.driver("power").call("on")), null);
      let now = await holds();
      // The last connections are told of a little later than they end; and some that had just ended may be in `before`.
      await until("it lets go of what its clients had", async () => {
        now = await holds();
        return Object.entries(now).every(([kind, count]) => count <= (before[kind] ?? 0));
      }).catch(() => assert.deepEqual(now, before));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** How many descriptors of each kind a process has; sockets of clients that have just gone are among them. */
async function descriptors(pid: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "gone");
    const kind = target.replace(/:\[\d+\]$/, "").replace(/^\/.*/, "file");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort());
}

/** Numbers that are the same at each run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** What peers say that are no clients. */
function* rudeWords(random: (below: number) => number): Generator<Uint8Array> {
  const noise = (length: number) => Uint8Array.from({ length }, () => random(256));
  yield new Uint8Array();
  yield Buffer.from("GET / HTTP/1.1\r\nHost: exporter\r\n\r\n");
  yield Buffer.from("POST /jumpstarter.v1.ExporterService/GetReport HTTP/1.1\r\nContent-Length: 99999\r\n\r\n{}");
  yield Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]); // the beginning of TLS
  for (let length = 1; length <= PREFACE.length; length += 3) yield PREFACE.subarray(0, length);
  for (let count = 0; count < 60; count++) yield noise(1 + random(4_000));
  // HTTP/2 to begin with, and then nonsense: frames of any type, length and stream.
  for (let count = 0; count < 60; count++) yield Buffer.concat([PREFACE, SETTINGS, noise(9 + random(4_000))]);
  for (let type = 0; type < 12; type++) {
    const payload = noise(random(64));
    const frame = [0, 0, payload.length, type, random(256), 0, 0, 0, random(6), ...payload];
    yield Buffer.concat([PREFACE, SETTINGS, Buffer.from(frame)]);
    yield Buffer.concat([PREFACE, SETTINGS, Buffer.from([0xff, 0xff, 0xff, type, 0, 0, 0, 0, 1])]); // never that long
  }
}

/** Says something to a port and hangs up: politely, which is to be answered in kind, or not. */
async function beRude(port: number, words: Uint8Array, isPolite: boolean): Promise<void> {
  const socket = connectTo(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {/* it was shown out */});
  socket.once("connect", () => socket.write(words, () => isPolite ? socket.end() : socket.resetAndDestroy()));
  socket.resume();
  await within(closed, `the end of a connection that began with ${words.subarray(0, 40)}`);
}

Deno.test({
  name: "peers that speak something else",
  ignore,
  async fn() {
    await using bench = await openBench();
    const before = await bench.holds();
    const random = randomNumbers(1);
    const words = [...rudeWords(random)];
    assert.ok(words.length > 150);
    for (let at = 0; at < words.length; at += 20) {
      await Promise.all(
        words.slice(at, at + 20).map((one, index) => beRude(bench.exporter.port, one, index % 2 === 0)),
      );
    }
    await bench.assertAsBefore(before);
  },
});

const service = (name: string) => `/jumpstarter.v1.ExporterService/${name}`;
const stream = "/jumpstarter.v1.RouterService/Stream";

Deno.test({
  name: "metadata that is too much, or means nothing",
  ignore,
  async fn() {
    await using bench = await openBench();
    const before = await bench.holds();
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`x-${index}`, "v"]));
    const strange = ["", "null", "[]", '"x"', "{", '{"kind":"driver"}', '{"kind":"resource","uuid":[]}', "\u{1f50c}"];
    const requests = [
      { "x-long": "v".repeat(20_000) },
      { request: `{"kind":"driver","uuid":"${"x".repeat(200_000)}","method":"connect"}` },
      many,
      ...strange.map((text) => ({ request: encodeURI(text) })),
    ];
    for (const metadata of requests) {
      using client = new BytesClient(bench.exporter.port);
      const { status } = await client.ask(stream, metadata, []).answer;
      assert.notEqual(status, "OK");
      assert.equal((await client.ask(service("GetStatus"), {}, [new Uint8Array()]).answer).status, "OK");
    }
    await bench.assertAsBefore(before);
  },
});

/** A message that is almost right. */
function mutate(message: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = [...message];
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(bytes.length + 1);
    switch (random(6)) {
      case 0:
        bytes.splice(at, 1, random(256));
        break;
      case 1:
        bytes.splice(at, 1 + random(8));
        break;
      case 2:
        bytes.splice(at, 0, ...Array.from({ length: 1 + random(12) }, () => random(256)));
        break;
      case 3: // a length or a number that is far too large
        bytes.splice(at, 0, 0xff, 0xff, 0xff, 0xff, 0x0f);
        break;
      case 4: // a field once more, or in another's place
        bytes.splice(at, 0, ...bytes.slice(random(bytes.length + 1), at + random(16)));
        break;
      default:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    }
  }
  return Uint8Array.from(bytes);
}

const mutations = 1_000;

Deno.test({
  name: "1,000 mutated messages to every method",
  ignore,
  async fn(t) {
    await using bench = await openBench();
    const { exporter } = bench;
    await using own = await connect(exporter.address, { insecure: true });
    const uuid = own.driver("probe").link.uuid;
    const before = await bench.holds();
    const call = toBinary(
      pb.DriverCallRequestSchema,
      create(pb.DriverCallRequestSchema, {
        uuid,
        method: "echo",
        args: [toValue({ list: [1, "two", null, true], text: "π" })],
      }),
    );
    const values = toBinary(
      pb.StreamingDriverCallRequestSchema,
      create(pb.StreamingDriverCallRequestSchema, { uuid, method: "count", args: [toValue(20)] }),
    );
    const frame = toBinary(
      pb.StreamRequestSchema,
      create(pb.StreamRequestSchema, { payload: new Uint8Array(100), frameType: pb.FrameType.DATA }),
    );
    const opened = { request: JSON.stringify({ kind: "driver", uuid, method: "connect" }) };
    const methods: [path: string, message: Uint8Array, metadata?: Record<string, string>][] = [
      ...["GetReport", "GetStatus", "Reset", "LogStream"].map((name): [string, Uint8Array] => [
        service(name),
        new Uint8Array([0x0a, 0x03, 0x61, 0x62, 0x63]), // a field that an empty message does not know
      ]),
      [service("DriverCall"), call],
      [service("StreamingDriverCall"), values],
      [stream, frame, opened],
      // The last, since it ends the session of whoever is beside it.
      [service("EndSession"), new Uint8Array([0x0a, 0x03, 0x61, 0x62, 0x63])],
    ];
    for (const [index, [path, message, metadata = {}]] of methods.entries()) {
      await t.step(path, async () => {
        using client = new BytesClient(exporter.port);
        const random = randomNumbers(index + 1);
        const statuses = new Map<string, number>();
        const ask = async (bytes: Uint8Array): Promise<Answer["status"]> => {
          const asked = client.ask(path, metadata, [bytes]);
          // What goes on for ever is left once it has begun.
          if (path.endsWith("LogStream")) void asked.initial.then(() => asked.cancel());
          if (path.endsWith("StreamingDriverCall")) void asked.first.then(() => asked.cancel());
          return (await asked.answer).status;
        };
        for (let done = 0; done < mutations; done += 20) {
          const wrong = Array.from({ length: 20 }, () => mutate(message, random));
          for (const status of await Promise.all(wrong.map(ask))) statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
        assert.ok((statuses.get("UNAVAILABLE") ?? 0) === 0, JSON.stringify([...statuses]));
        assert.equal([...statuses.values()].reduce((sum, count) => sum + count, 0), mutations);
      });
    }
    await own[Symbol.asyncDispose]();
    await until("the exporter is ready again", async () => {
      using client = new BytesClient(exporter.port);
      const { messages } = await client.ask(service("GetStatus"), {}, [new Uint8Array()]).answer;
      return messages.some((bytes) => bytes[1] === pb.ExporterStatus.LEASE_READY);
    });
    before.running = 0;
    await bench.assertAsBefore(before);
    assert.equal((await exporter.program.stop()).code, 0);
  },
});

for (const way of ["is killed", "is cut off"]) {
  Deno.test({
    name: `a client that ${way} in the midst of every kind of call`,
    ignore,
    async fn() {
      await using bench = await openBench();
      const { place, exporter } = bench;
      const before = await bench.holds();
      await using cable = layCable(exporter.port);
      const script = `${repository}/tests/fixtures/hold_everything.ts`;
      await using client = new Program(place, [Deno.execPath(), "run", "-A", script, String(cable.port)]);
      await client.seeOut("holding");
      const during = await bench.holds();
      assert.ok(
        (during.running ?? 0) >= 3 && during.halves === 1 && during.deviceConnections === 1,
        JSON.stringify(during),
      );
      if (way === "is killed") client.signal("SIGKILL");
      else cable.cut();
      // One that is cut off may go on to live, and to count as a process of this place.
      await until("the script is gone", async () => (await place.leftProcesses("sleep 4717")).length === 0);
      client.signal("SIGKILL");
      await client.ended();
      await bench.assertAsBefore(before);
      assert.equal((await exporter.program.stop()).code, 0);
      assert.deepEqual(await place.leftFiles(), []);
    },
  });
}
