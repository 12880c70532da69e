/** What the program is built on: pinned by hash, and under licences that it may be handed on with. */
import assert from "node:assert/strict";
import { lockedPackages, readLock } from "./licences.ts";

/** Licences that ask for no more than to be named. */
const allowed = ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0", "0BSD"];

Deno.test("every package is under a licence that asks for no more than to be named", async () => {
  const all = await lockedPackages();
  assert.ok(all.length > 20, `${all.length} packages`);
  // A package that is under several at once names them with AND.
  const others = all.filter(({ licence = "" }) =>
    !licence.replace(/[()]/g, "").split(/ (?:AND|OR) /).every((one) => allowed.includes(one))
  );
  assert.deepEqual(others, []);
});

Deno.test("every package is pinned by its hash, and none runs a script when it is installed", async () => {
  const loose = Object.entries(await readLock()).filter(([, { integrity }]) => !/^sha512-/.test(integrity));
  assert.deepEqual(loose, []);
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assert.deepEqual(config.allowScripts.allow, []);
});
