/** Code that is none of this program's: named by the config alone, and run only as what it was pinned to. */
import assert from "node:assert/strict";
import { writeConfig } from "../fixtures/exporter.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

const relay = `
  console.error("the module runs");
  export const relay = { type: "acme.Relay", client: "acme.Client", summary: "", start: () => null, methods: {} };`;

async function check(place: Place, entry: Readonly<Record<string, unknown>>) {
  return await runJmp(place, ["config", "check", await writeConfig(place, { export: { relay: entry } })]);
}

Deno.test("config check shows whose code a config names, and what would pin it", async () => {
  await using place = await Place.open();
  await place.write("relay.ts", relay);
  const open = await check(place, { type: "./relay.ts#relay" });
  const [, integrity = ""] = /with code of \.\/relay\.ts#relay \(not pinned: (sha256-\S+=)\)/.exec(open.stdout) ??
    assert.fail(open.stdout);
  const pinned = await check(place, { type: "./relay.ts#relay", integrity });
  assert.match(pinned.stdout, /with code of \.\/relay\.ts#relay \(pinned\)/);
  assert.match(pinned.stderr, /the module runs/);
});

Deno.test("a module that is not the one that was pinned is not run", async () => {
  await using place = await Place.open();
  await place.write("relay.ts", relay);
  const integrity = `sha256-${btoa("x".repeat(32))}`;
  const { code, stderr } = await check(place, { type: "./relay.ts#relay", integrity });
  assert.equal(code, 3);
  assert.match(stderr, /the driver module of "\.\/relay\.ts#relay" is not the one that was pinned \(it is sha256-/);
  assert.doesNotMatch(stderr, /the module runs/);
});

Deno.test("what cannot be pinned is refused, and so is what is no integrity", async () => {
  await using place = await Place.open();
  const integrity = `sha256-${btoa("x".repeat(32))}`;
  const builtIn = await check(place, { type: "jumpstarter_driver_power.driver.MockPower", integrity });
  assert.match(builtIn.stderr, /built in, and cannot be pinned/);
  assert.match((await check(place, { type: "npm:relay#relay", integrity })).stderr, /is no file, and cannot be pinned/);
  assert.match((await check(place, { type: "./relay.ts#relay", integrity: "md5-1" })).stderr, /sha256-/);
});
