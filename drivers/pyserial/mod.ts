/**
 * Serial ports.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `PySerial`, and its client. */
export const pyserial: DriverPackage = {
  drivers: {
    "jumpstarter_driver_pyserial.driver.PySerial": async () => (await import("./driver.ts")).pySerial,
  },
  clients: {
    "jumpstarter_driver_pyserial.client.PySerialClient": async () => (await import("./client.ts")).pySerialClient,
  },
};
