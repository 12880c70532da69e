/** A client is killed in the midst of anything: the exporter lets go of all it had, and serves the next. */
import assert from "node:assert/strict";
import { startExporter } from "../fixtures/exporter.ts";
import { clientPid, FaultBench, holdingsOf, occasions } from "../fixtures/fault_bench.ts";
import { until } from "../fixtures/until.ts";
import { kill, Place } from "../fixtures/place.ts";
import { startJmp } from "../fixtures/program.ts";
import { missingTerminal } from "../fixtures/typed_terminal.ts";

const noTerminal = await missingTerminal();
const ignore = Deno.build.os !== "linux";

Deno.test({
  name: `kill -9 of a client${ignore ? " (not run: needs /proc)" : ""}`,
  ignore,
  async fn(t) {
    await using place = await Place.open();
    await using bench = await FaultBench.open(place);
    await Deno.writeTextFile(place.path("storage", "kept.img"), "whole");
    const before = await holdingsOf(bench.exporter.program.pid);
    for (const occasion of occasions) {
      const isBarred = occasion.isBeneath !== undefined && noTerminal !== undefined;
      await t.step({
        name: `${occasion.name}${isBarred ? ` (not run: ${noTerminal})` : ""}`,
        ignore: isBarred,
        async fn() {
          await using client = await occasion.begin(bench);
          kill(await clientPid(bench, occasion, client), "SIGKILL");
          await bench.holdsOnly(before);
          await bench.serves();
        },
      });
    }
    assert.equal(await Deno.readTextFile(place.path("storage", "kept.img")), "whole");
    const { code, stderr } = await bench.exporter.program.stop();
    assert.equal(code, 0, stderr);
    // What the last client that was killed has left waits for the next one.
    assert.deepEqual((await place.leftFiles()).filter((name) => !name.startsWith("jumpstarter-shell-")), []);
  },
});

Deno.test({
  name: `kill -9 of a client that waits for a hook${ignore ? " (not run: needs /proc)" : ""}`,
  ignore,
  async fn() {
    await using place = await Place.open();
    const script = `echo begun; while [ ! -e '${place.path("gate")}' ]; do sleep 0.05; done`;
    await using exporter = await startExporter(place, { config: { hooks: { beforeLease: { script } } } });
    await using next = startJmp(place, [...exporter.shell, "--", "j", "power", "on"]);
    await next.seeErr("begun");
    await using client = startJmp(place, [...exporter.shell, "--", "true"]);
    await client.seeErr("begun");
    const sockets = async () => (await holdingsOf(exporter.program.pid)).descriptors["socket"] ?? 0;
    const during = await sockets();
    client.signal("SIGKILL");
    await until("its connection is closed", async () => await sockets() < during);
    assert.doesNotMatch(exporter.program.stderr, /Ready: /, "the hook still runs");
    await place.write("gate", "");
    const { code, stderr } = await next.ended();
    assert.equal(code, 0, stderr);
  },
});
