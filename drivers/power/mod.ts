/**
 * Switching a device's power.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

const mockPower = async () => (await import("./driver.ts")).mockPower;

/** `MockPower`, and the client of every plain power driver. */
export const power: DriverPackage = {
  drivers: {
    "jumpstarter_driver_power.driver.MockPower": mockPower,
    "jumpstarter_driver_power.driver.SyncMockPower": mockPower,
  },
  clients: {
    "jumpstarter_driver_power.client.PowerClient": async () => (await import("./client.ts")).powerClient,
  },
};
