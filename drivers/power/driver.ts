import { call, callStream, defineDriver, type DriverDefinition } from "../../src/driver/mod.ts";
import type { Logger } from "../../src/log.ts";

/** Remembers its state and says so in the log; drives nothing. */
class MockPower {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  switch(state: "on" | "off"): void {
    this.#log.info(`power ${state}`);
  }

  /** One sweep of readings: without load, then under load. */
  *read(): Generator<{ voltage: number; current: number }> {
    yield { voltage: 0, current: 0 };
    yield { voltage: 5, current: 2 };
  }
}

/** A power switch without hardware, for trying things out. */
export const mockPower: DriverDefinition = defineDriver({
  type: "jumpstarter_driver_power.driver.MockPower",
  aliases: ["jumpstarter_driver_power.driver.SyncMockPower"],
  client: "jumpstarter_driver_power.client.PowerClient",
  summary: "A power switch without hardware",
  start: (_config, { log }) => new MockPower(log),
  methods: {
    on: call({ summary: "Switch the power on", run: (power: MockPower) => power.switch("on") }),
    off: call({ summary: "Switch the power off", run: (power: MockPower) => power.switch("off") }),
    read: callStream({
      summary: "Read voltage and current",
      concurrent: true,
      run: (power: MockPower) => power.read(),
    }),
  },
});
