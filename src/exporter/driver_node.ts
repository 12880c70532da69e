import { createHash } from "node:crypto";
import type { DriverDefinition } from "../driver/mod.ts";
import type { Logger } from "../log.ts";
import type { CallQueue } from "./call_queue.ts";

/** One driver. A proxy is a second key for the same node. */
export interface DriverNode {
  /** The id that calls name it by; the same after a restart. */
  readonly uuid: string;
  /** The keys from the root, joined by dots; empty for the root. */
  readonly path: string;
  /** What it is, where the config says so. */
  readonly description?: string;
  /** What single methods do, where the config says so. */
  readonly methodDescriptions: Readonly<Record<string, string>>;
  /** What it is made from. */
  readonly definition: DriverDefinition;
  /**
   * What its `start` returned.
   *
   * @throws {DriverError} while the driver does not run.
   */
  readonly device: unknown;
  /** Why the driver does not run; nothing while it does. */
  readonly fault?: string;
  /** Where its calls take turns. */
  readonly turns: CallQueue;
  /** Fires when the driver is removed while the exporter runs on; never, where it is not set. */
  readonly removed?: AbortSignal;
  /** Its log. */
  readonly log: Logger;
  /** The drivers beneath it, by key. */
  readonly children: Map<string, DriverNode>;
}

/**
 * The id of a driver, made from the exporter's name and the driver's path so that it outlives a restart. It has the
 * form of a UUID of version 5.
 */
export function driverUuid(exporterName: string, path: string): string {
  const hash = createHash("sha1").update(`jumpstarter.dev\0${exporterName}\0${path}`).digest("hex");
  const variant = ((parseInt(hash.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-${variant}${hash.slice(18, 20)}-${
    hash.slice(20, 32)
  }`;
}
