import assert from "node:assert/strict";
import { Place } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";
import { until } from "../tests/fixtures/until.ts";
import { guardAgainstDeath } from "./death_guard.ts";

Deno.test({
  name: "a guard that somebody has killed, by whatever signal, is let go of",
  ignore: Deno.build.os !== "linux", // no other system has real-time signals
  fn: async () => {
    await using place = await Place.open();
    await using program = new Program(place, ["sleep", "3128"]);
    const guard = guardAgainstDeath(program.pid, { env: place.env, killGraceMs: 0 });
    const guards = async () =>
      [...await place.processes()].filter(([, words]) => words.endsWith(` sh ${program.pid} 0`));
    await until("the guard runs", async () => (await guards()).length === 1);
    const [[pid] = []] = await guards();
    await using killer = new Program(place, ["kill", "-40", String(pid)]);
    await killer.ended();
    await guard?.[Symbol.asyncDispose]();
    assert.equal((await guards()).length, 0);
  },
});
