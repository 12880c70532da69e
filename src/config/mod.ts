/**
 * From the YAML of an exporter's configuration to frozen plain data. It knows no driver and no socket: what stands
 * in a driver's `config` section is left for the driver to check.
 *
 * Permissions: `readConfigFile` needs `--allow-read` of the file that it is given, and of a hook's `scriptFile` to say
 * that it is not there; `findConfig` needs it of the two places that it looks at. Nothing else here needs any.
 *
 * @example Read a config, and say where its first driver stands
 * ```ts ignore
 * import { readConfigFile, wholeConfig } from "./mod.ts";
 *
 * const { config, locate } = wholeConfig(await readConfigFile("bench.yaml"));
 * const [name] = Object.keys(config.export);
 * console.log(config.metadata.name, name, locate(["export", name ?? ""], "key"));
 * ```
 *
 * @module
 */
export type { ConfigProblem } from "../errors.ts";
export type {
  CompositeEntry,
  DriverEntry,
  ExportEntries,
  ExportEntry,
  ExporterConfig,
  ExporterMetadata,
  FailureDetectionConfig,
  HookConfig,
  HooksConfig,
  RefEntry,
  TlsConfig,
} from "./exporter_config.ts";
export { type FileReading, findConfig, type LoadedConfig, readConfigFile, resolveBeside } from "./load_config.ts";
export {
  type ConfigLimits,
  type ConfigReading,
  inFileOrder,
  type ParsedConfig,
  readConfig,
  type UnplacedProblem,
  wholeConfig,
} from "./parse_config.ts";
export type { Position } from "./position.ts";
