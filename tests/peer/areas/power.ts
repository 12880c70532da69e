/** Power switches, plain, nested and by reference, and what `j` tells of them. */
import assert from "node:assert/strict";
import { PowerClient } from "../../../drivers/power/client.ts";
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
