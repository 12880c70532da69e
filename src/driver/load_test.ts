import assert from "node:assert/strict";
import { toFileUrl } from "./load_bench_test.ts";
import { builtinDrivers } from "../../drivers/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { openDirectory } from "./load_bench_test.ts";
import { loadClient, loadDriver } from "./load.ts";

const base = new URL("file:///nowhere/bench.yaml");
const driverText = (name: string, type: string) =>
  `export const ${name} = { type: "${type}", client: "c", summary: "", start: () => null, methods: {} };\n`;

async function refusal(type: string, from = base): Promise<JumpstarterError> {
  const error: unknown = await loadDriver(builtinDrivers, type, from).then(() => assert.fail(type), (error) => error);
  if (!(error instanceof JumpstarterError)) throw error;
  assert.equal(error.code, "config");
  assert.ok(!error.message.includes("\n"), "one line");
  return error;
}

Deno.test("every built-in driver is the one that its names say, and its client is found by its label", async () => {
  for (const { drivers, clients } of builtinDrivers) {
    for (const type of Object.keys(drivers)) {
      const definition = await loadDriver(builtinDrivers, type, base);
      assert.ok([definition.type, ...definition.aliases ?? []].includes(type), type);
      assert.ok(await loadClient(builtinDrivers, definition.client) !== undefined, definition.client);
    }
    for (const label of Object.keys(clients)) assert.equal((await loadClient(builtinDrivers, label))?.label, label);
  }
});

Deno.test("an unknown type is told with the near ones, or with how to name one's own", async () => {
  const near = await refusal("jumpstarter_driver_power.driver.MockPowre");
  assert.match(near.message, /unknown driver type "jumpstarter_driver_power\.driver\.MockPowre"/);
  assert.match(near.hint ?? "", /"jumpstarter_driver_power\.driver\.MockPower"/);
  assert.match((await refusal("something.else.entirely.Different")).hint ?? "", /\.\/relay\.ts#relay/);
  for (const type of ["", "constructor", "__proto__", "toString"]) await refusal(type);
  for (const label of ["", "constructor", "__proto__"]) {
    assert.equal(await loadClient(builtinDrivers, label), undefined);
  }
});

Deno.test("a module is found from the config's folder, by an absolute path and by URL", async () => {
  await using dir = await openDirectory();
  await Deno.mkdir(`${dir.path}/sub`);
  await Deno.writeTextFile(`${dir.path}/my relay.ts`, driverText("relay", "acme.Relay"));
  const config = toFileUrl(`${dir.path}/sub/bench.yaml`);
  const url = toFileUrl(`${dir.path}/my relay.ts`).href;
  for (const specifier of ["../my relay.ts", "../my%20relay.ts", `${dir.path}/my relay.ts`, url]) {
    assert.equal((await loadDriver(builtinDrivers, `${specifier}#relay`, config)).type, "acme.Relay", specifier);
  }
  const { message } = await refusal("./my relay.ts#relay", config);
  assert.equal(message, 'cannot load the driver module "./my relay.ts": no such file');
});

Deno.test("an export that is none, or is no driver, is told with those that are", async () => {
  await using dir = await openDirectory();
  const text = `${driverText("relay", "a")}${
    driverText("lamp", "b")
  }export default 7; export const half = { type: "x" };`;
  await Deno.writeTextFile(`${dir.path}/drivers.ts`, text);
  await Deno.writeTextFile(`${dir.path}/none.ts`, "export const x = null;");
  const config = toFileUrl(`${dir.path}/bench.yaml`);
  for (const name of ["relais", "", "default", "half", "constructor", "__proto__"]) {
    const { message, hint } = await refusal(`./drivers.ts#${name}`, config);
    assert.match(message, new RegExp(`"\\./drivers\\.ts" exports no driver named "${name}"`));
    assert.match(hint ?? "", /lamp, relay/);
  }
  assert.match((await refusal("./none.ts#x", config)).hint ?? "", /defineDriver/);
});

Deno.test("a module that does not parse, or fails, is told on one line", async () => {
  await using dir = await openDirectory();
  await Deno.writeTextFile(`${dir.path}/broken.ts`, "export const = ;");
  await Deno.writeTextFile(`${dir.path}/needy.ts`, 'import "./missing.ts";');
  await Deno.writeTextFile(`${dir.path}/failing.ts`, "throw new Error('no licence\\nsecond line');");
  const config = toFileUrl(`${dir.path}/bench.yaml`);
  assert.match((await refusal("./broken.ts#x", config)).message, /^cannot load the driver module "\.\/broken\.ts": ./);
  assert.match((await refusal("./needy.ts#x", config)).message, /"\.\/needy\.ts": .*missing\.ts"$/);
  assert.match((await refusal("./failing.ts#x", config)).message, /no licence$/);
  assert.match((await refusal("no-such-scheme:x#y")).message, /no-such-scheme:x/);
});
