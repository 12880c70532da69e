import { readConfigFile, wholeConfig } from "../config/mod.ts";
import { type DriverPackage, moduleIntegrity } from "../driver/mod.ts";
import { type DriverPlan, planDrivers } from "../exporter/mod.ts";
import { type ConfigLimitOptions, configLimits } from "./limit_options.ts";

/**
 * Checks a config as `jmp run` would, without starting anything. Answers one line that says what would be served.
 *
 * @throws {ConfigError} with everything that is wrong.
 */
export async function checkConfig(
  file: string,
  options: ConfigLimitOptions,
  packages: readonly DriverPackage[],
): Promise<string> {
  const reading = await readConfigFile(file, configLimits(options));
  const plan = await planDrivers(reading, packages);
  const { metadata, hooks } = wholeConfig(reading).config;
  const drivers = Array.from(plan, ([path, { isRequired }]) => isRequired ? `${path} (required)` : path);
  const foreign = await foreignCode(plan, reading.url);
  const hookNames = (["beforeLease", "afterLease"] as const).filter((name) => hooks[name] !== undefined);
  return `${file}: ok; "${metadata.name}" would serve ${drivers.join(", ") || "no devices"}${
    hookNames.length === 0 ? "" : `, with the hooks ${hookNames.join(" and ")}`
  }${foreign.length === 0 ? "" : `, with code of ${foreign.join(" and ")}`}\n`;
}

/** The modules that are none of this program's, and whether the config pins what is in them. */
async function foreignCode(plan: DriverPlan, base: URL): Promise<string[]> {
  const modules = new Map<string, string>();
  for (const { type, integrity } of plan.values()) {
    if (!type.includes("#")) continue;
    const actual = await moduleIntegrity(type, base);
    modules.set(
      type,
      integrity !== undefined ? "pinned" : actual === undefined ? "not pinned" : `not pinned: ${actual}`,
    );
  }
  return Array.from(modules, ([type, state]) => `${type} (${state})`);
}
