/**
 * The client of power switches.
 *
 * @example
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { PowerClient } from "@jumpstarter/cli/power";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const power = exporter.driver("power", PowerClient);
 * await power.cycle();
 * for await (const { voltage, current } of power.read()) console.log(voltage * current);
 * ```
 *
 * @module
 */
import { type CallOptions, type ClientDefinition, defineClient, DriverClient } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Json } from "../../src/json.ts";
import { setTimeout } from "node:timers/promises";

/** What a power switch measures at one moment. */
export interface PowerReading {
  /** In volts. */
  voltage: number;
  /** In amperes. */
  current: number;
}

/** How {@linkcode PowerClient.cycle} switches. */
export interface CycleOptions extends CallOptions {
  /** How long the power stays off, in milliseconds; 2,000 by default. */
  waitMs?: number;
}

/** Switches one device's power. */
export class PowerClient extends DriverClient {
  /** Switches the power on. */
  async on(options?: CallOptions): Promise<void> {
    await this.call("on", [], options);
  }

  /** Switches the power off. */
  async off(options?: CallOptions): Promise<void> {
    await this.call("off", [], options);
  }

  /** Switches the power off, waits, and switches it on again. */
  async cycle({ waitMs = 2_000, ...options }: CycleOptions = {}): Promise<void> {
    await this.off(options);
    await setTimeout(waitMs, undefined, { signal: options.signal });
    await this.on(options);
  }

  /** One sweep of readings. */
  async *read(options?: CallOptions): AsyncIterable<PowerReading> {
    for await (const value of this.callStream("read", [], options)) yield parseReading(value);
  }
}

/** How `j` drives a power switch. */
export const powerClient: ClientDefinition = defineClient({
  label: "jumpstarter_driver_power.client.PowerClient",
  summary: "A power switch",
  client: PowerClient,
  commands: [
    { name: "on", summary: "Switch the power on", method: "on", run: (power, _, { signal }) => power.on({ signal }) },
    {
      name: "off",
      summary: "Switch the power off",
      method: "off",
      run: (power, _, { signal }) => power.off({ signal }),
    },
    {
      name: "cycle",
      summary: "Switch the power off, wait, and switch it on again",
      options: [
        { name: "wait", short: "w", type: "number", default: 2, min: 0, summary: "How long it stays off, in seconds" },
      ],
      run: (power, { options }, { signal }) => power.cycle({ waitMs: Number(options.wait) * 1_000, signal }),
    },
    {
      name: "read",
      summary: "Read voltage and current",
      method: "read",
      options: [
        { name: "count", short: "n", type: "integer", default: 1, min: 1, summary: "How many sweeps to read" },
        {
          name: "interval",
          short: "i",
          type: "number",
          default: 1,
          min: 0,
          summary: "Time between sweeps, in seconds",
        },
      ],
      async *run(power, { options }, { signal }) {
        for (let sweep = 0; sweep < Number(options.count); sweep++) {
          if (sweep > 0) await setTimeout(Number(options.interval) * 1_000, undefined, { signal });
          for await (const reading of power.read({ signal })) yield { ...reading };
        }
      },
      text: formatReading,
    },
  ],
});

function parseReading(value: Json): PowerReading {
  const { voltage, current } = (value ?? {}) as Partial<PowerReading>;
  if (typeof voltage === "number" && typeof current === "number") return { voltage, current };
  throw new JumpstarterError("driver", `Not a power reading: ${JSON.stringify(value)}`);
}

function formatReading(value: Json): string {
  const { voltage, current } = parseReading(value);
  return `${voltage} V  ${current} A  ${Number((voltage * current).toPrecision(6))} W`;
}
