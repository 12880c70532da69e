/**
 * Serves the devices of one config: drivers, sessions, status, logs and the hooks around them.
 *
 * Permissions: those of its parts: `--allow-run` for the hooks, `--allow-net` for the address, `--allow-read` and
 * `--allow-write` for a temporary directory, and whatever the drivers need.
 *
 * @module
 */
export type { ExporterOptions, LifecycleStatus, PlannedConfig, Reload } from "./exporter.ts";
export { runExporter } from "./run_exporter.ts";
export { type DriverPlan, planDrivers } from "./build_tree.ts";
export { exporterPermissions, type PartPermissions } from "./permissions.ts";
export type { LifecycleEnd } from "./lifecycle.ts";
export type { DriverChanges } from "./reload.ts";
