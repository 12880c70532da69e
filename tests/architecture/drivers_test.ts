/**
 * Shows on made-up drivers that what a driver lacks is found.
 *
 * @module
 */
import assert from "node:assert/strict";
import { defineClient, defineDriver, DriverClient } from "../../src/driver/mod.ts";
import { clientClassesOf, type DriverFolder, falseNames, lacksOf, type Mentions, packagesOf } from "./drivers.ts";

const whole: DriverFolder = {
  name: "relay",
  files: ["mod.ts", "driver.ts", "client.ts", "README.md", "relay_test.ts"],
  types: ["acme.Relay"],
  clientClasses: ["RelayClient"],
};

const mentions: Mentions = {
  list: ["src/driver/mod.ts", "drivers/relay/mod.ts"],
  exports: { "./relay": "./drivers/relay/client.ts" },
  examples: ["export:\n  relay:\n    type: acme.Relay\n"],
};

Deno.test("a whole driver lacks nothing", () => {
  assert.deepEqual(lacksOf(whole, mentions), []);
});

Deno.test("every lack of a driver is found", () => {
  const lacks = lacksOf({ ...whole, files: [] }, { list: [], exports: {}, examples: ["type: acme.Rel"] });
  assert.deepEqual(lacks, [
    "drivers/relay has no mod.ts",
    "drivers/relay has no driver.ts",
    "drivers/relay has no client.ts",
    "drivers/relay has no README.md",
    "drivers/relay has no *_test.ts",
    "drivers/relay does not stand in drivers/mod.ts",
    "no file under examples/ names a type of drivers/relay",
    'deno.json does not export RelayClient as "./relay"',
  ]);
  assert.deepEqual(lacksOf({ ...whole, types: [] }, mentions), [
    "drivers/relay/mod.ts offers no driver type",
    "no file under examples/ names a type of drivers/relay",
  ]);
});

Deno.test("a driver without a client class, or one that the plan excuses, needs no export", () => {
  const bare = { ...mentions, exports: {} };
  assert.deepEqual(lacksOf({ ...whole, clientClasses: [] }, bare), []);
  const composite = { ...bare, list: ["drivers/composite/mod.ts"] };
  assert.deepEqual(lacksOf({ ...whole, name: "composite" }, composite), []);
});

class RelayClient extends DriverClient {}

Deno.test("client classes and packages are found among exports", () => {
  const relay = { drivers: {}, clients: {} };
  assert.deepEqual(clientClassesOf({ RelayClient, DriverClient, URL, relay, port: 1 }), ["RelayClient"]);
  assert.deepEqual(packagesOf({ RelayClient, relay, nothing: null, half: { drivers: {} } }), [relay]);
});

Deno.test("a door that says something else than what is behind it is found", async () => {
  const relay = defineDriver({
    type: "acme.Relay",
    aliases: ["acme.Old"],
    client: "l",
    summary: "",
    start: () => 0,
    methods: {},
  });
  const client = defineClient({ label: "l", summary: "", client: RelayClient, commands: [] });
  const load = () => Promise.resolve(relay);
  const loadClient = () => Promise.resolve(client);
  const good = { "acme.Relay": load, "acme.Old": load };
  assert.deepEqual(await falseNames({ drivers: good, clients: { l: loadClient } }), []);
  assert.deepEqual(
    await falseNames({ drivers: { "acme.Relay": load, "acme.New": load }, clients: { m: loadClient } }),
    [
      '"acme.Old" is a name of a driver, and no config can use it',
      '"acme.New" loads a driver that is called "acme.Relay"',
      '"m" loads the client of "l"',
    ],
  );
});
