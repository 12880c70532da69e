/** A client whose output nobody reads holds back what it reads from, and nobody else. */
import assert from "node:assert/strict";
import { whenStopped } from "../fixtures/back_pressure.ts";
import { connect } from "../../mod.ts";
import { PowerClient } from "../../drivers/power/client.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { holdingsOf } from "../fixtures/fault_bench.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { jmpWords, Program } from "../fixtures/program.ts";

const isLinux = Deno.build.os === "linux";

/** What the pipes, the connection and both programs hold for one reader, with room to spare. */
const maxAheadBytes = 32 * 1024 * 1024;

Deno.test({
  name: `a reader that never reads${isLinux ? "" : " (not run: needs /proc)"}`,
  ignore: !isLinux,
  async fn() {
    await using place = await Place.open();
    const counter = place.path("counter");
    const flood = `i=0; while :; do head -c 65536 /dev/zero | tr '\\0' x; i=$((i + 1)); echo $i >'${counter}'; done`;
    await using exporter = await startExporter(place, {
      config: {
        export: {
          tools: { type: "jumpstarter_driver_shell.driver.Shell", config: { methods: { flood } } },
          power: { type: "jumpstarter_driver_power.driver.MockPower" },
        },
      },
      args: ["-v"],
    });
    await exporter.idle();
    const before = await holdingsOf(exporter.program.pid);
    const pipe = `"$@" | { echo reading >&2; exec sleep 600; }`;
    await using reader = new Program(place, ["sh", "-c", pipe, "sh", ...jmpWords, "j", "tools", "flood"], {
      env: exporter.env,
    });
    await reader.seeErr("reading");
    const written = {
      get bytes() {
        try {
          return Number(Deno.readTextFileSync(counter)) * 65_536;
        } catch {
          return 0; // it has not begun
        }
      },
    };
    {
      await using client = await connect(exporter.address, { insecure: true });
      const power = client.driver("power", PowerClient);
      await whenStopped(written, maxAheadBytes, async () => {
        await power.on();
        await new Promise((resolve) => setTimeout(resolve, 50)); // the script has a turn as well
      });
    }
    // Until then it was not let go of: what does not read is not dead.
    assert.ok((await holdingsOf(exporter.program.pid)).children.length > 0);
    await reader[Symbol.asyncDispose]();
    await until("it lets go", async () => {
      return JSON.stringify(await holdingsOf(exporter.program.pid)) === JSON.stringify(before);
    });
  },
});
