import { writeConfig } from "../../fixtures/exporter.ts";
import type { Place } from "../../fixtures/place.ts";
import { deviceType, type Side } from "../../peer/support/side.ts";

const mock = "jumpstarter_driver_power.driver.MockPower";

/** What the exporter of the recorded conversation serves. */
export function goldenEntries(side: Pick<Side, "name">): Readonly<Record<string, unknown>> {
  return {
    power: { type: mock, description: "The main switch", methods_description: { on: "Give the board power" } },
    bench: { children: { board: { children: { supply: { type: mock } } } } },
    again: { ref: "bench.board" },
    probe: { type: deviceType(side, "probe", "Probe") },
  };
}

/** Writes the config of the recorded conversation; answers its path. */
export async function writeGoldenConfig(place: Place, side: Side["name"]): Promise<string> {
  return await writeConfig(place, {
    name: "golden",
    namespace: "default",
    export: goldenEntries({ name: side }),
    hooks: { beforeLease: { script: 'echo "the bench is prepared"', timeout: 60 } },
  });
}
