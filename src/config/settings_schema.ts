// Part of the package of zod 4, whose own doors each load the texts of fifty languages: 12 ms of every start.
import { z } from "zod/v3";
import type { Schema } from "../schema.ts";
import type { ExporterConfig, HookConfig } from "./exporter_config.ts";

/** The settings of a config as a file has them, without its device tree. */
export type Settings = z.output<typeof settings>;

/** The timer of JavaScript goes no further; about 24 days. */
const MAX_SECONDS = 2_147_483;

/** A key without a value is as good as none: that is how the Python implementation writes what is not set. */
function maybe<T extends z.ZodTypeAny>(schema: T) {
  return schema.nullish();
}

const seconds = z.number().int().positive().max(MAX_SECONDS);

const word = z.string().min(1);

const hook = z.strictObject({
  script: maybe(word),
  scriptFile: maybe(word),
  exec: maybe(z.union([word, z.array(word).min(1)])),
  timeout: maybe(seconds),
  onFailure: maybe(z.enum(["warn", "endLease", "exit"])),
});

const settings = z.strictObject({
  apiVersion: maybe(z.literal("jumpstarter.dev/v1alpha1")),
  kind: maybe(z.literal("ExporterConfig")),
  metadata: z.strictObject({ namespace: maybe(z.string()), name: word }),
  endpoint: maybe(z.string()),
  token: maybe(z.string()),
  tls: maybe(z.strictObject({ ca: maybe(z.string()), insecure: maybe(z.boolean()) })),
  grpcOptions: maybe(z.record(z.string(), z.union([z.string(), z.number().int()]))),
  description: maybe(z.string()),
  motd: maybe(z.string()),
  // The entries are read one by one in export_entries.ts, since what an entry is depends on the keys that it has.
  export: maybe(z.record(z.string(), z.unknown())),
  hooks: maybe(z.strictObject({
    scope: maybe(z.enum(["exporter", "session"])),
    beforeLease: maybe(hook),
    afterLease: maybe(hook),
  })),
  failureDetection: maybe(z.strictObject({
    maxRapidFailures: maybe(z.number().int().positive()),
    rapidFailureWindow: maybe(seconds),
  })),
  exitOnLeaseEnd: maybe(z.boolean()),
  exclusive: maybe(z.boolean()),
});

/** Checks the settings of a config. */
export const settingsSchema: Schema<Settings> = settings;

/** The settings with their defaults, in this program's units. */
export function toExporterConfig(file: Settings, entries: ExporterConfig["export"]): ExporterConfig {
  const { failureDetection, grpcOptions, hooks, metadata, tls } = file;
  return given({
    apiVersion: "jumpstarter.dev/v1alpha1" as const,
    kind: "ExporterConfig" as const,
    metadata: given({ namespace: metadata.namespace ?? undefined, name: metadata.name }),
    endpoint: file.endpoint ?? undefined,
    token: file.token ?? undefined,
    tls: given({ ca: tls?.ca || undefined, insecure: tls?.insecure ?? false }),
    grpcOptions: grpcOptions ?? undefined,
    description: file.description ?? undefined,
    motd: file.motd ?? undefined,
    export: entries,
    hooks: given({
      scope: hooks?.scope ?? "exporter",
      beforeLease: toHook(hooks?.beforeLease),
      afterLease: toHook(hooks?.afterLease),
    }),
    failureDetection: {
      maxRapidFailures: failureDetection?.maxRapidFailures ?? 5,
      rapidFailureWindowMs: (failureDetection?.rapidFailureWindow ?? 60) * 1000,
    },
    exitOnLeaseEnd: file.exitOnLeaseEnd ?? false,
    exclusive: file.exclusive ?? false,
  });
}

function toHook(file: z.output<typeof hook> | null | undefined): HookConfig | undefined {
  if (file === null || file === undefined) return undefined;
  return given({
    script: file.script ?? undefined,
    scriptFile: file.scriptFile ?? undefined,
    exec: file.exec ?? undefined,
    timeoutMs: (file.timeout ?? 120) * 1000,
    onFailure: file.onFailure ?? "warn",
  });
}

/** The same object without the keys that are not set, so that two equal configs look equal. */
export function given<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
