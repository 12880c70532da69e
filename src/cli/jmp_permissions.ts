import { exporterPermissions, type PartPermissions, type PlannedConfig } from "../exporter/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { permissionFlags, permissionSet } from "../permission.ts";
import { parseListenAddress } from "../address.ts";
import type { Env } from "./connection_options.ts";
import { type ConfigChoice, planExporter } from "./exporter_config.ts";
import type { MainOptions } from "./main_options.ts";
import { writeErr, writeOut } from "./output.ts";
import { type CertificateOptions, certificatePermissions, certificateSource } from "./server_certificate.ts";
import { type TelemetryOptions, telemetryPermissions } from "./telemetry_options.ts";

/** The options of `jmp permissions`, as commander names them. */
export interface PermissionsOptions extends ConfigChoice, CertificateOptions, TelemetryOptions {
  tlsGrpcListener?: string;
  runtimeDir?: string;
  flags?: boolean;
  json?: boolean;
}

/** What `jmp run` with these options needs, part by part; a later part may repeat an earlier one. */
export async function runPermissions(
  { loaded, plan }: PlannedConfig,
  options: CertificateOptions & TelemetryOptions & Pick<PermissionsOptions, "tlsGrpcListener">,
  runtimeDir: string,
  env: Env,
): Promise<PartPermissions[]> {
  const { tlsGrpcListener } = options;
  if (tlsGrpcListener === undefined) {
    throw new JumpstarterError("usage", "No address to listen on", { hint: "give --tls-grpc-listener [HOST:]PORT" });
  }
  const parts = await exporterPermissions(loaded, plan, parseListenAddress(tlsGrpcListener), runtimeDir);
  const permissions = certificatePermissions(certificateSource(options, env));
  if (permissions.length > 0) parts.push({ part: "certificate", permissions });
  return [...parts, ...telemetryPermissions(options)];
}

/** Prints what an exporter needs, part by part and together. */
export async function jmpPermissions(options: PermissionsOptions, main: MainOptions): Promise<void> {
  const planned = await planExporter(options, main);
  const { runtimeDir } = options;
  if (runtimeDir === undefined && (options.flags || options.json)) {
    throw new JumpstarterError("usage", "The directory for the exporter's sockets is not named", {
      hint: "give --runtime-dir DIR, to jmp run as well",
    });
  }
  const parts = await runPermissions(planned, options, runtimeDir ?? "RUNTIME_DIR", main.env);
  const all = parts.flatMap(({ permissions }) => permissions);
  if (options.json) return writeOut(`${JSON.stringify(permissionSet(all))}\n`);
  if (options.flags) return writeOut(`${permissionFlags(all).join(" ")}\n`);
  const width = Math.max(...parts.map(({ part }) => part.length));
  for (const { part, permissions } of [...parts, { part: "together", permissions: all }]) {
    writeOut(`${part.padEnd(width)}  ${permissionFlags(permissions).join(" ") || "nothing"}\n`);
  }
  if (all.some(({ kind }) => kind === "run")) {
    writeErr("A program that is run is bound by the system's rules alone, and not by these.\n");
  }
}
