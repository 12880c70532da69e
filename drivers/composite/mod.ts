/**
 * A group of drivers. The root of every exporter is one.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `Composite`, and its client. */
export const composite: DriverPackage = {
  drivers: {
    "jumpstarter_driver_composite.driver.Composite": async () => (await import("./driver.ts")).composite,
  },
  clients: {
    "jumpstarter_driver_composite.client.CompositeClient": async () => (await import("./client.ts")).compositeClient,
  },
};
