/**
 * Scripts that run on the exporter's machine.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `Shell`, and its client. */
export const shell: DriverPackage = {
  drivers: {
    "jumpstarter_driver_shell.driver.Shell": async () => (await import("./driver.ts")).shell,
  },
  clients: {
    "jumpstarter_driver_shell.client.ShellClient": async () => (await import("./client.ts")).shellClient,
  },
};
