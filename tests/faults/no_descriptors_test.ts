/** What is left of an exporter that ran out of descriptors for a while. */
import assert from "node:assert/strict";
import { connect } from "../../mod.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";

const mostDescriptors = 60;

Deno.test({
  name: "an exporter that ran out of descriptors takes connections again once it has some",
  ignore: Deno.build.os !== "linux", // which shows the descriptors of a process
  async fn() {
    await using place = await Place.open();
    const within = ["sh", "-c", `ulimit -n ${mostDescriptors}; exec "$@"`, "sh"];
    await using exporter = await startExporter(place, { within });
    await exporter.ready();
    const { port } = exporter;
    const knock = () => Deno.connect({ hostname: "127.0.0.1", port });
    const held = await Promise.all(Array.from({ length: 2 * mostDescriptors }, knock));
    const descriptors = () => [...Deno.readDirSync(`/proc/${exporter.program.pid}/fd`)].length;
    await until("no descriptor is left", () => descriptors() >= mostDescriptors);
    for (const connection of held) connection.close();
    await using client = await connect(exporter.address, { insecure: true });
    assert.equal(client.name, "bench");
  },
});
