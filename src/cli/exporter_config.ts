import { findConfig, readConfigFile, wholeConfig } from "../config/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { planDrivers, type PlannedConfig } from "../exporter/mod.ts";
import type { Env } from "./connection_options.ts";
import { type ConfigLimitOptions, configLimits } from "./limit_options.ts";
import type { MainOptions } from "./main_options.ts";

/** Where a config is, as commander names it. */
export interface ConfigChoice extends ConfigLimitOptions {
  exporterConfig?: string;
  exporter?: string;
}

/**
 * Loads the config that the options name by file or by alias, and finds its drivers.
 *
 * @throws {ConfigError} with everything that is wrong.
 */
export async function planExporter(
  choice: ConfigChoice,
  { env, packages }: Pick<MainOptions, "env" | "packages">,
): Promise<PlannedConfig> {
  const reading = await readConfigFile(await chosenFile(choice, env), configLimits(choice));
  const plan = await planDrivers(reading, packages);
  return { loaded: wholeConfig(reading), plan };
}

/**
 * The same anew, for an exporter that serves the config already.
 *
 * @throws {JumpstarterError} `config` when it is from a pipe or a terminal, which would have to be written to again.
 */
export async function planAnew(
  choice: ConfigChoice,
  main: Pick<MainOptions, "env" | "packages">,
): Promise<PlannedConfig> {
  const file = await chosenFile(choice, main.env);
  // What cannot be looked at cannot be read either, and that is told by whoever tries.
  const isStream = await Deno.stat(file).then(({ isFile, isDirectory }) => !isFile && !isDirectory, () => false);
  if (isStream) throw new JumpstarterError("config", `${file} is no regular file, so it cannot be read again`);
  return await planExporter(choice, main);
}

async function chosenFile({ exporterConfig, exporter }: ConfigChoice, env: Env): Promise<string> {
  if (exporterConfig !== undefined && exporter !== undefined) {
    throw new JumpstarterError("usage", "--exporter-config and --exporter both name a config", { hint: "give one" });
  }
  if (exporterConfig !== undefined) return exporterConfig;
  if (exporter !== undefined) return await findConfig(exporter, env);
  throw new JumpstarterError("usage", "No config was named", { hint: "give --exporter-config FILE" });
}
