/**
 * The one list of built-in drivers.
 *
 * @module
 */
import type { DriverPackage } from "../src/driver/mod.ts";
import { composite } from "./composite/mod.ts";
import { flasher } from "./flasher/mod.ts";
import { network } from "./network/mod.ts";
import { opendal } from "./opendal/mod.ts";
import { power } from "./power/mod.ts";
import { pyserial } from "./pyserial/mod.ts";
import { shell } from "./shell/mod.ts";
import { storageMux } from "./storage_mux/mod.ts";

/** Every driver that comes with the program. */
export const builtinDrivers: readonly DriverPackage[] = [
  composite,
  flasher,
  network,
  opendal,
  power,
  pyserial,
  shell,
  storageMux,
];
