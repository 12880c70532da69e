import { Listener } from "../listener.ts";
import type { ExporterOptions } from "./exporter.ts";
import type { LifecycleEnd } from "./lifecycle.ts";

/**
 * Serves a config until it is stopped or a hook ends it; everything that it opened is closed when this returns.
 *
 * The address is listened on first. What serves it is loaded, and drivers are started, while the first client connects;
 * who only looks at a config loads none of that.
 *
 * @throws {DriverError} when a required driver cannot start.
 * @throws {JumpstarterError} `listen` when the address cannot be had, `config` when the certificate is of no use.
 */
export async function runExporter(options: ExporterOptions): Promise<LifecycleEnd> {
  await using listener = await Listener.open(options.address);
  const { serveExporter } = await import("./exporter.ts");
  return await serveExporter(options, listener);
}
