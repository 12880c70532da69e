/**
 * What Deno has to allow for one exporter, part by part: the sum of what its parts say of themselves.
 */
import type { LoadedConfig } from "../config/mod.ts";
import { modulePermissions } from "../driver/mod.ts";
import type { Permission } from "../permission.ts";
import { type Address, listenPermissions } from "../address.ts";
import type { DriverPlan } from "./build_tree.ts";
import { withScriptPath } from "./hook_script.ts";
import { runtimePaths } from "./runtime_paths.ts";

/** What one part of an exporter needs. */
export interface PartPermissions {
  /** The part, such as `config` or `driver bench.power`. */
  readonly part: string;
  readonly permissions: readonly Permission[];
}

/**
 * What it takes to serve `loaded` at `address`.
 *
 * @param plan The config's drivers.
 * @param runtimeDir The directory for its sockets.
 */
export async function exporterPermissions(
  loaded: LoadedConfig,
  plan: DriverPlan,
  address: Address,
  runtimeDir: string,
): Promise<PartPermissions[]> {
  const { socketPath, workDir } = runtimePaths(runtimeDir);
  const parts: PartPermissions[] = [
    { part: "config", permissions: [{ kind: "read", of: loaded.source }] },
    { part: "listener", permissions: listenPermissions(address) },
    {
      part: "runtime directory",
      permissions: [
        { kind: "read", of: runtimeDir },
        { kind: "write", of: runtimeDir },
        { kind: "net", of: `unix:${socketPath}` },
      ],
    },
    // Hooks and scripts inherit it whole.
    { part: "environment", permissions: [{ kind: "env" }] },
  ];
  for (const name of ["beforeLease", "afterLease"] as const) {
    const hook = loaded.config.hooks[name];
    if (hook === undefined) continue;
    const { hookPermissions } = await import("../hooks/mod.ts");
    const placed = withScriptPath(hook, loaded.url);
    const file: Permission[] = placed.scriptFile === undefined ? [] : [{ kind: "read", of: placed.scriptFile }];
    parts.push({ part: `hook ${name}`, permissions: [...file, ...await hookPermissions(placed, { workDir })] });
  }
  for (const [path, { definition, settings, type }] of plan) {
    const own = definition.permissions?.(settings) ?? [];
    parts.push({ part: `driver ${path}`, permissions: [...modulePermissions(type, loaded.url), ...own] });
  }
  return parts;
}
