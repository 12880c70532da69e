/**
 * Devices that take an image.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `MockFlasher`, and the client of every plain flasher. */
export const flasher: DriverPackage = {
  drivers: {
    "jumpstarter_driver_opendal.driver.MockFlasher": async () => (await import("./driver.ts")).mockFlasher,
  },
  clients: {
    "jumpstarter_driver_opendal.client.FlasherClient": async () => (await import("./client.ts")).flasherClient,
  },
};
