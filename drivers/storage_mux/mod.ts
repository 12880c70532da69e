/**
 * Storage that is switched between the exporter and a device.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `MockStorageMux` and `MockStorageMuxFlasher`, and the clients of storage muxes. */
export const storageMux: DriverPackage = {
  drivers: {
    "jumpstarter_driver_opendal.driver.MockStorageMux": async () => (await import("./driver.ts")).mockStorageMux,
    "jumpstarter_driver_opendal.driver.MockStorageMuxFlasher": async () =>
      (await import("./driver.ts")).mockStorageMuxFlasher,
  },
  clients: {
    "jumpstarter_driver_opendal.client.StorageMuxClient": async () => (await import("./client.ts")).storageMuxClient,
    "jumpstarter_driver_opendal.client.StorageMuxFlasherClient": async () =>
      (await import("./client.ts")).storageMuxFlasherClient,
  },
};
