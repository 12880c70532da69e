import { readConfigFile, wholeConfig } from "../config/mod.ts";
import type { DriverPackage } from "../driver/mod.ts";
import { planDrivers } from "../exporter/mod.ts";

/**
 * Checks a config as `jmp run` would, without starting anything. Answers one line that says what would be served.
 *
 * @throws {ConfigError} with everything that is wrong.
 */
export async function checkConfig(file: string, packages: readonly DriverPackage[]): Promise<string> {
  const reading = await readConfigFile(file);
  const plan = await planDrivers(reading, packages);
  const { metadata, hooks } = wholeConfig(reading).config;
  const drivers = [...plan.keys()];
  const hookNames = (["beforeLease", "afterLease"] as const).filter((name) => hooks[name] !== undefined);
  return `${file}: ok; "${metadata.name}" would serve ${drivers.join(", ") || "no devices"}${
    hookNames.length === 0 ? "" : `, with the hooks ${hookNames.join(" and ")}`
  }\n`;
}
