import { findConfig, loadConfig, type LoadedConfig } from "../config/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Env } from "./connection_options.ts";

/** Loads the config that the options name by file or by alias. */
export async function loadExporterConfig(
  { exporterConfig, exporter }: { exporterConfig?: string; exporter?: string },
  env: Env,
): Promise<LoadedConfig> {
  if (exporterConfig !== undefined && exporter !== undefined) {
    throw new JumpstarterError("usage", "--exporter-config and --exporter both name a config", { hint: "give one" });
  }
  if (exporterConfig !== undefined) return await loadConfig(exporterConfig);
  if (exporter !== undefined) return await loadConfig(await findConfig(exporter, env));
  throw new JumpstarterError("usage", "No config was named", { hint: "give --exporter-config FILE" });
}
