import assert from "node:assert/strict";
import { openDirectory } from "./load_bench_test.ts";

const root = new URL("../../", import.meta.url);

/** Loads a driver in a Deno of its own that has just these permissions; answers its type or the error's message. */
async function loadUnder(flags: readonly string[], type: string): Promise<string> {
  await using dir = await openDirectory();
  const program = `${dir.path}/probe.ts`;
  await Deno.writeTextFile(
    program,
    `import { builtinDrivers } from ${JSON.stringify(new URL("drivers/mod.ts", root).href)};
    import { loadDriver } from ${JSON.stringify(new URL("src/driver/mod.ts", root).href)};
    const outcome = loadDriver(builtinDrivers, ${JSON.stringify(type)}, new URL(import.meta.url));
    console.log(await outcome.then(({ type }) => type, ({ message }) => "refused: " + message));`,
  );
  const config = new URL("deno.json", root).pathname;
  const args = ["run", "--no-prompt", "--no-lock", "--config", config, ...flags, program];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("a built-in driver is loaded without any permission", async () => {
  const type = "jumpstarter_driver_power.driver.MockPower";
  assert.equal(await loadUnder([], type), type);
});

Deno.test("a driver module by path needs to be read, and nothing else", async () => {
  await using dir = await openDirectory();
  const path = `${dir.path}/relay.ts`;
  const text = 'export const relay = { type: "acme.Relay", client: "c", summary: "", start: () => null, methods: {} };';
  await Deno.writeTextFile(path, text);
  assert.equal(await loadUnder([`--allow-read=${path}`], `${path}#relay`), "acme.Relay");
  assert.match(await loadUnder([], `${path}#relay`), /^refused: cannot load the driver module .*read access/);
});
