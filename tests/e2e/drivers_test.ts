/** Drivers of others: a module beside the config, with a client that this program knows or does not. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeConfig } from "../fixtures/exporter.ts";
import { Place, repository } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

/** Writes a module with two drivers, as a third party would: against the library's door. */
async function writeDrivers(place: Place): Promise<void> {
  const library = JSON.stringify(pathToFileURL(join(repository, "mod.ts")).href);
  await place.write(
    "acme.ts",
    `import { call, callStream, defineDriver, type DriverDefinition } from ${library};

export const relay: DriverDefinition = defineDriver({
  type: "acme.Relay",
  client: "jumpstarter_driver_power.client.PowerClient",
  summary: "One relay of an ACME board",
  start: (_config, { log }) => ({ log }),
  methods: {
    on: call({ run: ({ log }) => log.info("closed") }),
    off: call({ run: () => { throw new Error("the relay is welded shut"); } }),
    read: callStream({ *run() { yield { voltage: 12, current: 0.5 }; } }),
  },
});

export const lamp: DriverDefinition = defineDriver({
  type: "acme.Lamp",
  client: "acme_lamp.client.LampClient",
  summary: "A lamp that no client knows",
  start: () => ({}),
  methods: { shine: call({ run: () => "bright" }) },
});
`,
  );
}

/** Runs a shell script in a shell with both drivers. */
async function runWithDrivers(script: string) {
  await using place = await Place.open();
  await writeDrivers(place);
  const config = await writeConfig(place, {
    export: { relay: { type: "./acme.ts#relay" }, lamp: { type: "./acme.ts#lamp" } },
  });
  return await runJmp(place, ["shell", "--exporter-config", config, "--exporter-logs", "--", "sh", "-c", script]);
}

Deno.test("a driver of one's own works through j as a built-in one does", async () => {
  const { code, stdout, stderr } = await runWithDrivers("j relay on && j relay read");
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "12 V  0.5 A  6 W\n" }, stderr);
  assert.match(stderr, /\[Relay\] closed\n/);
});

Deno.test("what a driver throws is the client's error, in the driver's words", async () => {
  const { code, stderr } = await runWithDrivers("j relay off");
  assert.equal(code, 1);
  assert.match(stderr, /^j: the relay is welded shut\n/m);
});

Deno.test("a device without a known client is in the help, and says what is missing when used", async () => {
  const { code, stdout, stderr } = await runWithDrivers("j --help && j lamp --help; j lamp shine --brightly");
  assert.match(stdout, /\n {2}relay +A power switch\n/);
  assert.match(stdout, /\n {2}lamp .*no client for acme_lamp\.client\.LampClient\n/);
  assert.match(stdout, /\nUsage: j lamp [^]*j call lamp METHOD/);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^j: "lamp": no client for acme_lamp\.client\.LampClient\n {2}[^\n]*j call lamp METHOD[^\n]*\n/m,
  );
});

Deno.test("its methods can still be called by their names", async () => {
  const { code, stdout } = await runWithDrivers("j call lamp shine");
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "bright\n" });
});
