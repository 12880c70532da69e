/** `jmp config check FILE`. */
import assert from "node:assert/strict";
import { exampleConfig, writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

Deno.test("a good config is one line on stdout", async () => {
  await using place = await Place.open();
  const { code, stdout, stderr } = await runJmp(place, ["config", "check", exampleConfig]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.equal(
    stdout,
    `${exampleConfig}: ok; "example-direct" would serve power, with the hooks beforeLease and afterLease\n`,
  );
});

Deno.test("every mistake is told at its place, and nothing on stdout", async () => {
  await using place = await Place.open();
  const file = await place.write(
    "wrong.yaml",
    `apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  name: 7
export:
  power:
    tpye: jumpstarter_driver_power.driver.MockPower
hooks:
  beforeLease:
    script: echo hello
    timeout: soon
hooks:
  afterLease: {}
`,
  );
  const { code, stdout, stderr } = await runJmp(place, ["config", "check", file]);
  assert.deepEqual({ code, stdout }, { code: 3, stdout: "" });
  const lines = stderr.trimEnd().split("\n").map((line) => line.replace(/^jmp: /, ""));
  const places = lines.map((line) => line.startsWith(`${file}:`) ? line.slice(file.length + 1).split(" ")[0] : line);
  for (const wanted of ["4:9:", "7:5:", "11:14:", "12:1:"]) {
    assert.ok(places.includes(wanted), `nothing at ${wanted} in:\n${stderr}`);
  }
  assert.match(stderr, /7:5: unknown key "tpye" \(did you mean "type"\?\)/);
});

Deno.test("references to nowhere and in a circle are told at their places", async () => {
  await using place = await Place.open();
  const file = await place.write(
    "refs.yaml",
    `apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  name: refs
export:
  power:
    type: jumpstarter_driver_power.driver.MockPower
  lost:
    ref: powr
  here:
    ref: there
  there:
    ref: here
`,
  );
  const { code, stderr } = await runJmp(place, ["config", "check", file]);
  assert.equal(code, 3);
  assert.match(stderr, /refs\.yaml:9:10: [^\n]*"powr"[^\n]*\(did you mean "power"\?\)\n/);
  assert.match(stderr, /refs\.yaml:11:10: [^\n]*circle/);
});

Deno.test("an unknown driver type lists the near ones", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, {
    export: {
      power: { type: "jumpstarter_driver_power.driver.MockPowr" },
      other: { type: "something.else.entirely" },
      group: { children: { third: { type: "jumpstarter_driver_power.driver.MockPower", config: { volts: 5 } } } },
    },
  });
  const { code, stdout, stderr } = await runJmp(place, ["config", "check", file]);
  assert.deepEqual({ code, stdout }, { code: 3, stdout: "" });
  const near = '(did you mean "jumpstarter_driver_power.driver.MockPower"';
  assert.ok(stderr.includes(`: unknown driver type "jumpstarter_driver_power.driver.MockPowr" ${near}`), stderr);
  assert.match(stderr, /: unknown driver type "something\.else\.entirely" \(a driver of your own /);
  assert.match(stderr, /: unknown key "volts" \([^)]* takes no config\)/);
  assert.equal(stderr.trimEnd().split("\n").length, 3, stderr);
});

Deno.test("a driver module that cannot be loaded is told with its reason", async () => {
  await using place = await Place.open();
  await place.write("broken.ts", "export const relay = 7;\n");
  const file = await writeConfig(place, {
    export: { a: { type: "./none.ts#relay" }, b: { type: "./broken.ts#relay" } },
  });
  const { code, stderr } = await runJmp(place, ["config", "check", file]);
  assert.equal(code, 3);
  assert.match(stderr, /:\d+:\d+: cannot load the driver module ".\/none\.ts": /);
  assert.match(stderr, /:\d+:\d+: ".\/broken\.ts" exports no driver named "relay"/);
  assert.equal(stderr.trimEnd().split("\n").length, 2, stderr);
});

Deno.test("mistakes of the file, of its references and of its drivers are told together, by jmp run as well", async () => {
  await using place = await Place.open();
  const file = await place.write(
    "mixed.yaml",
    `metadata:
  nmae: mixed
export:
  power:
    type: jumpstarter_driver_power.driver.MockPowr
  net:
    type: jumpstarter_driver_network.driver.TcpNetwork
    config: {host: board, prt: 1}
    confg: {}
  dut: {ref: powr}
`,
  );
  const told = [
    '2:3: unknown key "nmae" (did you mean "name"?)',
    '5:11: unknown driver type "jumpstarter_driver_power.driver.MockPowr"',
    '8:27: unknown key "prt" (did you mean "port"?)',
    '9:5: unknown key "confg" (did you mean "config"?)',
    '10:14: "ref" leads nowhere: there is no "powr" (did you mean "power"?)',
  ];
  const run = ["run", "--exporter-config", file, "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  for (const args of [["config", "check", file], run]) {
    const { code, stderr } = await runJmp(place, args);
    assert.equal(code, 3);
    const lines = stderr.trimEnd().split("\n").map((line) => line.replace(/^jmp: /, "").slice(file.length + 1));
    assert.equal(lines.length, told.length, stderr);
    told.forEach((wanted, index) => assert.ok(lines[index]?.startsWith(wanted), `${lines[index]} is not ${wanted}`));
  }
});
