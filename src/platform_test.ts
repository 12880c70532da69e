import assert from "node:assert/strict";
import { kill, Place } from "../tests/fixtures/place.ts";
import { Program } from "../tests/fixtures/program.ts";
import { until } from "../tests/fixtures/until.ts";
import { isWindows } from "./platform.ts";

/** A program that no longer listens when a signal is still under way to it, time and again. */
const hasListened = `
  import { onSignals } from ${JSON.stringify(import.meta.resolve("./platform.ts"))};
  for (let turn = 0; turn < 500; turn++) {
    const signals = onSignals(["SIGINT"], () => {});
    Deno.kill(Deno.pid, "SIGINT");
    signals[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve));
  }
  console.log("lives");
  setInterval(() => {}, 1_000);`;

Deno.test({
  name: "a signal that is under way when nobody listens any more ends nothing, and a later one does",
  ignore: isWindows, // where no program signals itself
  fn: async () => {
    await using place = await Place.open();
    const words = [Deno.execPath(), "run", "--quiet", "-A", await place.write("program.ts", hasListened)];
    await using program = new Program(place, words);
    await program.seeOut("lives\n");
    const ended = program.ended();
    let hasEnded = false;
    ended.finally(() => hasEnded = true);
    await until("the signal ends it", () => {
      if (!hasEnded) kill(program.pid, "SIGINT");
      return hasEnded;
    });
    assert.equal((await ended).signal, "SIGINT");
  },
});
