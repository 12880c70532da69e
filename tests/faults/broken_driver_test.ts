/** A gadget that is not plugged in takes nothing else down, says what is wrong with it, and joins when it is there. */
import assert from "node:assert/strict";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";
import { openShell } from "../fixtures/shell.ts";

/** A switch that starts only while there is a file `plugged` beside it. */
const gadget = `export const gadget = {
  type: "acme.Gadget", client: "jumpstarter_driver_power.client.PowerClient", summary: "A switch",
  start() {
    try { return Deno.statSync(new URL("./plugged", import.meta.url)); }
    catch { throw new Error("no board at /dev/ttyUSB7"); }
  },
  methods: { on: { kind: "call", run: () => {} }, off: { kind: "call", run: () => {} } },
};
`;
const type = "./gadget.ts#gadget";
const power = { type: "jumpstarter_driver_power.driver.MockPower" };

Deno.test("a bench with a broken gadget: what is said of it, what works, and what follows when it is plugged in", async (t) => {
  await using place = await Place.open();
  await place.write("gadget.ts", gadget);
  const config = await writeConfig(place, {
    export: {
      relay: { type, description: "The board's relay" },
      rack: { ...power, description: "A rack\x1b[2J", children: { inner: { type } } },
    },
  });
  await using exporter = await startExporter(place, { config });
  await exporter.ready();
  await exporter.program.seeErr(
    /ERROR +\[Gadget\] Cannot start the driver "rack\.inner" .*no board.*it is tried again/,
  );
  const connection = exporter.shell.slice(1);
  const inspect = async (...more: string[]) => {
    const { code, stdout, stderr } = await runJmp(place, ["inspect", ...connection, ...more]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  interface Shown {
    drivers: { name: string; uuid: string; broken: string | null; description: string | null; children: unknown[] }[];
  }
  const shown = async () => (JSON.parse(await inspect("--json")) as Shown).drivers;
  await using shell = await openShell(place, exporter.shell);
  const before = await shown();

  await t.step("jmp inspect", async () => {
    assert.match(await inspect(), /^ {2}relay {2}.*\n {4}broken: no board at \/dev\/ttyUSB7 \(The board's relay\)\n/m);
    assert.match(await inspect(), /^ {4}A rack\\u001b\[2J$/m, "it cannot reach the terminal's controls");
    assert.deepEqual(before.map(({ name, broken }) => [name, broken]), [
      ["relay", "no board at /dev/ttyUSB7"],
      ["rack", null],
    ]);
  });
  await t.step("j --help", async () => {
    const { code, stdout } = await shell.runJ("either", ["--help"]);
    assert.equal(code, 0);
    assert.match(stdout.replaceAll(/\s+/g, " "), /relay broken: no board at \/dev\/ttyUSB7 \(The board's relay\)/);
  });
  for (const worker of ["its agent", "itself"] as const) {
    await t.step(`using it, by ${worker}`, async () => {
      for (const words of [["relay", "on"], ["rack", "inner", "off"]]) {
        const path = words.slice(0, -1).join("\\.");
        const says = new RegExp(`^j: The driver "${path}" does not run .*: no board at /dev/ttyUSB7`);
        assertBriefError(await shell.runJ(worker, words), { code: 1, says, program: "j" });
      }
    });
  }
  await t.step("the rest works, its parent too", async () => {
    const { code, stderr } = await shell.runJ("its agent", ["rack", "on"]);
    assert.equal(code, 0, stderr);
  });
  await t.step("plugged in, it works for who is connected already", async () => {
    await place.write("plugged", "");
    await exporter.program.seeErr('The driver "relay" runs now');
    await until("it works", async () => (await shell.runJ("its agent", ["relay", "on"])).code === 0);
    const after = await shown();
    assert.deepEqual(after.map(({ uuid, broken }) => [uuid, broken]), before.map(({ uuid }) => [uuid, null]));
    assert.equal(after[0]?.description, "The board's relay");
  });
  await t.step("it stops as any other", async () => {
    const { code, stderr } = await exporter.program.stop();
    assert.equal(code, 0, stderr);
  });
});

Deno.test("without a gadget that is required there is no bench", async () => {
  await using place = await Place.open();
  await place.write("gadget.ts", gadget);
  const config = await writeConfig(place, { export: { power, relay: { type, required: true } } });
  const serve = ["run", "--exporter-config", config, "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  const says = /Cannot start the driver "relay" \(acme\.Gadget\): no board at \/dev\/ttyUSB7/;
  assertBriefError(await runJmp(place, serve), { code: 1, says });
  const { code, stdout } = await runJmp(place, ["config", "check", config]);
  assert.equal(code, 0);
  assert.match(stdout, /would serve power, relay \(required\)/);
});

Deno.test("a bench of nothing but a broken gadget stops at once", async () => {
  await using place = await Place.open();
  await place.write("gadget.ts", gadget);
  await using exporter = await startExporter(place, { config: { export: { relay: { type } } } });
  await exporter.ready();
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.deepEqual(await place.leftFiles(), []);
});
