import assert from "node:assert/strict";
import { join } from "node:path";
import { Place } from "../../tests/fixtures/place.ts";
import { modulePermissions } from "./load.ts";
import { openDirectory } from "./load_bench_test.ts";

const root = new URL("../../", import.meta.url);

/** Loads a driver in a Deno of its own that has just these permissions; answers its type or the error's message. */
async function loadUnder(
  flags: readonly string[],
  type: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
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
  const args = ["run", "--quiet", "--no-prompt", "--no-lock", "--config", config, ...flags, program];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim();
}

/** A driver's module. */
const relay = 'export const relay = { type: "acme.Relay", client: "c", summary: "", start: () => null, methods: {} };';

Deno.test("a built-in driver is loaded without any permission", async () => {
  const type = "jumpstarter_driver_power.driver.MockPower";
  assert.equal(await loadUnder([], type), type);
});

Deno.test("a driver module by path needs to be read, and nothing else", async () => {
  await using dir = await openDirectory();
  const path = `${dir.path}/relay.ts`;
  await Deno.writeTextFile(path, relay);
  assert.equal(await loadUnder([`--allow-read=${path}`], `${path}#relay`), "acme.Relay");
  assert.match(await loadUnder([], `${path}#relay`), /^refused: cannot load the driver module .*read access/);
});

Deno.test("a driver module by URL needs the import of its host, and nothing else", async () => {
  await using place = await Place.open();
  // What is downloaded stays here; packages are there already.
  const cache = { DENO_DIR: place.path("cache") };
  await Deno.mkdir(cache.DENO_DIR);
  await Deno.symlink(join(place.env.DENO_DIR ?? "", "npm"), join(cache.DENO_DIR, "npm"));
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(relay, { headers: { "content-type": "application/typescript" } }),
  );
  const host = `127.0.0.1:${server.addr.port}`, type = `http://${host}/relay.ts#relay`;
  const refused = /^refused: cannot load the driver module .*import access/;
  assert.match(await loadUnder([], type, cache), refused);
  assert.match(await loadUnder([`--allow-net=${host}`], type, cache), refused);
  assert.equal(await loadUnder([`--allow-import=${host}`], type, cache), "acme.Relay");
  assert.deepEqual(modulePermissions(type, root), [{ kind: "import", of: host }]);
});
