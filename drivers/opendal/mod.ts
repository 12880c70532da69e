/**
 * Storages for files.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `Opendal`, and its client. */
export const opendal: DriverPackage = {
  drivers: {
    "jumpstarter_driver_opendal.driver.Opendal": async () => (await import("./driver.ts")).opendal,
  },
  clients: {
    "jumpstarter_driver_opendal.client.OpendalClient": async () => (await import("./client.ts")).opendalClient,
  },
};
