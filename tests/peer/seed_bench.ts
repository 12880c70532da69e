/** The config that both exporters of the matrix serve. */
import type { Place } from "../fixtures/place.ts";

/** What `beforeLease` says before it waits, and after. */
export const HOOK_LINES = { begins: "beforeLease waits for the test", calls: "j in beforeLease ended with" } as const;

/** A config whose beforeLease waits until it is let go. */
export interface SeedBench {
  /** The config's path. */
  readonly config: string;
  /** The file that lets it go on. */
  readonly gate: string;
  /** Lets beforeLease go on. */
  release(): Promise<void>;
}

/** Writes the config, which has a plain switch, a nested one, and references to a switch and to a group. */
export async function writeSeedBench(place: Place): Promise<SeedBench> {
  const gate = place.path("gate");
  const mock = "jumpstarter_driver_power.driver.MockPower";
  const config = {
    apiVersion: "jumpstarter.dev/v1alpha1",
    kind: "ExporterConfig",
    metadata: { namespace: "default", name: "seed-bench" },
    export: {
      power: { type: mock, description: "The main switch", methods_description: { on: "Give the board power" } },
      bench: { children: { board: { children: { supply: { type: mock } } } } },
      spare: { ref: "power" },
      again: { ref: "bench.board" },
    },
    hooks: {
      beforeLease: {
        script: [
          `echo "${HOOK_LINES.begins}"`,
          `while [ ! -e '${gate}' ]; do sleep 0.02; done`,
          `j power on; echo "${HOOK_LINES.calls} $?"`,
          "",
        ].join("\n"),
        timeout: 60,
      },
      afterLease: {
        script: 'echo "afterLease says so"; j power off; echo "j in afterLease ended with $?"\n',
        timeout: 60,
      },
    },
  };
  return {
    config: await place.write("seed-bench.yaml", JSON.stringify(config, null, 2)), // JSON is YAML
    gate,
    release: () => Deno.writeTextFile(gate, ""),
  };
}
