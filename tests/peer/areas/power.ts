/** Power switches, plain, nested and by reference, and what `j` tells of them. */
import assert from "node:assert/strict";
import { PowerClient } from "../../../drivers/power/client.ts";
import * as pb from "../../../proto/mod.ts";
import { type Bench, type Cell, defineArea } from "../support/area.ts";
import type { Side } from "../support/side.ts";

const mock = "jumpstarter_driver_power.driver.MockPower";

/** A plain switch, a nested one, and references to a switch and to a group. */
export const powerBench: Bench = {
  entries: {
    power: { type: mock, description: "The main switch", methods_description: { on: "Give the board power" } },
    bench: { children: { board: { children: { supply: { type: mock } } } } },
    spare: { ref: "power" },
    again: { ref: "bench.board" },
  },
};

/** What users do with power switches. */
export const power = defineArea({
  name: "power",
  open: () => Promise.resolve(powerBench),
  rows: [
    { name: "GetReport: parents first, and a ref repeats what it names", run: readReport },
    { name: "power on", run: (cell) => switchPower(cell, "j power on", ["on"]) },
    { name: "power off", run: (cell) => switchPower(cell, "j power off", ["off"]) },
    { name: "power cycle", run: (cell) => switchPower(cell, "j power cycle --wait 0", ["off", "on"]) },
    { name: "power read", run: readPower },
    { name: "readings by the library", run: askReadings },
    { name: "nested composites", run: (cell) => switchPower(cell, "j bench board supply on", ["on"]) },
    { name: "a ref to a switch", run: (cell) => switchPower(cell, "j spare off", ["off"]) },
    { name: "a ref to a group", run: (cell) => switchPower(cell, "j again supply on", ["on"]) },
    { name: "the help lists the devices", run: listDevices },
    { name: "descriptions from the config", run: showDescriptions },
    { name: "an unknown command fails", run: unknownCommand },
  ],
});

/** One report: what it is called and of which class, and what it and its method `on` are said to be. */
type Report = [
  uuid: string,
  parent: string | null,
  name: string | null,
  label: string,
  description: string,
  on: string,
];

async function readReport({ ask }: Cell<Bench>): Promise<void> {
  const reports = await ask({
    python: `
      from google.protobuf import empty_pb2
      async def report():
          return await client.stub.GetReport(empty_pb2.Empty())
      def shape(one):
          name, label = one.labels.get("jumpstarter.dev/name"), one.labels.get("jumpstarter.dev/client")
          parent = one.parent_uuid if one.HasField("parent_uuid") else None
          return [one.uuid, parent, name, label, one.description, one.methods_description.get("on", "")]
      return [shape(one) for one in client.portal.call(report).reports]
    `,
    async raw(channel) {
      const { reports } = await channel.unary(pb.ExporterService.method.getReport, {});
      return reports.map(({ uuid, parentUuid, labels, description = "", methodsDescription }) => [
        uuid,
        parentUuid ?? null,
        labels["jumpstarter.dev/name"] ?? null,
        labels["jumpstarter.dev/client"] ?? null,
        description,
        methodsDescription.on ?? "",
      ]);
    },
  }) as Report[];
  const [root, ...others] = reports;
  const [rootId = "", ...rest] = root ?? [];
  const compositeClass = "jumpstarter_driver_composite.client.CompositeClient";
  assert.deepEqual(rest.slice(0, 3), [null, null, compositeClass]);
  const seen = [rootId];
  for (const [uuid, parent, name] of others) {
    assert.ok(parent !== null && seen.includes(parent), `the parent of ${name} comes after it`);
    seen.push(uuid);
  }
  const below = (parent: string, name: string) =>
    others.find((report) => report[1] === parent && report[2] === name) ?? assert.fail(`no ${name}`);
  const powerClass = "jumpstarter_driver_power.client.PowerClient";
  const power = below(rootId, "power"), board = below(below(rootId, "bench")[0], "board");
  assert.deepEqual(power.slice(3), [powerClass, "The main switch", "Give the board power"]);
  assert.deepEqual(below(rootId, "spare"), power.with(2, "spare"));
  assert.deepEqual(below(rootId, "again"), board.with(1, rootId).with(2, "again"));
  const supplies = others.filter((report) => report[2] === "supply");
  assert.equal(supplies.length, 2, "the second for the ref to its parent");
  assert.deepEqual(supplies[1], supplies[0]);
  assert.deepEqual(supplies[0]?.slice(1, 4), [board[0], "supply", powerClass]);
}

/** Runs a command, and looks in the exporter's own log for what it did. */
async function switchPower({ session, running }: Cell<Bench>, command: string, expected: string[]): Promise<void> {
  const before = (await running.switched(0)).length;
  const { code, stderr } = await session.run(command);
  assert.equal(code, 0, stderr);
  assert.deepEqual((await running.switched(before + expected.length)).slice(before), expected);
}

const readings: Readonly<Record<Side["name"], string>> = {
  Python: "voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\nvoltage=5.0 V  current=2.0 A  apparent_power=10.0 VA\n",
  ours: "0 V  0 A  0 W\n5 V  2 A  10 W\n",
};

async function readPower({ client, session }: Cell<Bench>): Promise<void> {
  const { code, stdout, stderr } = await session.run("j power read -n 2 -i 0.01");
  assert.equal(code, 0, stderr);
  assert.equal(stdout, readings[client.name].repeat(2));
}

async function askReadings({ ask }: Cell<Bench>): Promise<void> {
  const readings = await ask({
    python: `return [[reading.voltage, reading.current] for reading in client.power.read()]`,
    async ours(exporter) {
      const readings = await Array.fromAsync(exporter.driver("power", PowerClient).read());
      return readings.map(({ voltage, current }) => [voltage, current]);
    },
  });
  assert.deepEqual(readings, [[0, 0], [5, 2]]);
}

async function listDevices({ session }: Cell<Bench>): Promise<void> {
  const { code, stdout } = await session.run("j --help");
  assert.equal(code, 0);
  for (const name of ["power", "bench", "spare", "again"]) assert.match(stdout, new RegExp(`^ +${name} `, "m"));
}

async function showDescriptions({ session }: Cell<Bench>): Promise<void> {
  const { code, stdout } = await session.run("j power --help");
  assert.equal(code, 0);
  assert.match(stdout, /^ *The main switch$/m);
  assert.match(stdout, /^ +on +Give the board power$/m);
  assert.match(stdout, /^ +read\b.*\w/m);
}

async function unknownCommand({ client, session }: Cell<Bench>): Promise<void> {
  const { code, stdout, stderr } = await session.run("j power nosuch");
  assert.equal(code, client.name === "Python" ? 1 : 2);
  assert.equal(stdout, "");
  assert.match(stderr, /nosuch/);
}
