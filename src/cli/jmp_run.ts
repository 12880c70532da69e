import { runExporter } from "../exporter/mod.ts";
import { JMP_GRPC_PASSPHRASE } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import { Logger } from "../log.ts";
import { isWindows } from "../platform.ts";
import { parseListenAddress } from "../address.ts";
import { definedOnly } from "./connection_options.ts";
import { ConfigReloads } from "./config_reloads.ts";
import { exitCodes } from "../exit_codes.ts";
import { planAnew, planExporter } from "./exporter_config.ts";
import { type LimitOptions, serverLimits } from "./limit_options.ts";
import type { MainOptions } from "./main_options.ts";
import { type LogFormat, terminalLog } from "./output.ts";
import { choosePassphrase, isOpenToOthers, type PassphraseOptions } from "./passphrase_source.ts";
import { logLevel } from "./program.ts";
import { serveJ } from "./serve_j.ts";
import { type CertificateOptions, certificateSource, serverCertificate } from "./server_certificate.ts";
import { describeListener, type ServingFacts } from "./tell_serving.ts";
import { noticeVariables, ServiceNotices, withoutNoticeVariables } from "./service_notices.ts";
import { openTelemetry, type TelemetryOptions } from "./telemetry_options.ts";
import { logStrayFaults } from "./stray_faults.ts";
import { stopSignals } from "./stop_signals.ts";
import { tidyUp } from "./tidy_up.ts";

/** The options of `jmp run`, as commander names them. */
export interface RunOptions extends PassphraseOptions, CertificateOptions, LimitOptions, TelemetryOptions {
  exporterConfig?: string;
  exporter?: string;
  tlsGrpcListener?: string;
  runtimeDir?: string;
  leastPrivilege?: boolean;
  /** In milliseconds, as all of them. */
  callGrace?: number;
  hookKillGrace?: number;
  logFormat: LogFormat;
  logLevel?: string;
  verbose?: boolean;
}

/** Serves a config until it is stopped; answers the exit code. */
export async function jmpRun(options: RunOptions, main: MainOptions): Promise<number> {
  if (options.leastPrivilege) {
    const { runWithLeastPrivilege } = await import("./least_privilege.ts");
    return await runWithLeastPrivilege(options, main);
  }
  const { env, packages, launcher, program } = main;
  const listener = options.tlsGrpcListener;
  if (listener === undefined) {
    throw new JumpstarterError("usage", "No address to listen on", { hint: "give --tls-grpc-listener [HOST:]PORT" });
  }
  const address = parseListenAddress(listener);
  const passphrase = await choosePassphrase(options, env);
  const source = certificateSource(options, env);
  const planned = await planExporter(options, main);
  let { config } = planned.loaded;
  const sink = terminalLog(logLevel(options, "INFO"), options.logFormat);
  const log = new Logger(sink);
  const served = source && await serverCertificate(source, address);
  const { passphraseFile } = options;
  // It has been read; only for the warning it need not be possible to look at it.
  const isOpen = passphraseFile !== undefined && await isOpenToOthers(passphraseFile).catch(() => false);
  const facts: ServingFacts = { served, passphrase, openPassphraseFile: isOpen ? passphraseFile : undefined };
  Deno.env.delete(JMP_GRPC_PASSPHRASE); // what a driver starts has no use for it
  for (const name of noticeVariables) Deno.env.delete(name);
  using _strays = logStrayFaults(log);
  using notices = new ServiceNotices(env, log);
  // A terminal that is closed says so by the signal that asks a service for a reload; on Windows it means nothing else.
  const hangupStops = isWindows || Deno.stdin.isTerminal();
  using signals = stopSignals((name) => {
    log.info(`Stopping (${name}); a second signal stops at once`);
    notices.stopping();
  }, { hangupStops });
  using reloads = hangupStops ? undefined : new ConfigReloads({
    load: () => planAnew(options, main),
    reopen: () => telemetry.reopen(),
    log,
    notices,
    onReloaded: (next) => config = next,
  });
  let tidied: Promise<unknown> | undefined;
  await using telemetry = await openTelemetry(options, env, config.metadata.name, log);
  const end = await runExporter({
    ...planned,
    packages,
    address,
    certificate: served?.certificate,
    renewedCertificate: served?.renewed,
    limits: serverLimits(options),
    unusedFileTimeoutMs: options.unusedFileTimeout,
    passphrase,
    sink,
    observers: telemetry.observers,
    env: definedOnly(withoutNoticeVariables(env)),
    launcher,
    runtimeDir: options.runtimeDir,
    callGraceMs: options.callGrace,
    hookKillGraceMs: options.hookKillGrace,
    serveCommands: (place) => serveJ({ ...place, packages, program }),
    stopping: signals.stopping,
    forced: signals.forced,
    onReloadable: (reload) => reloads?.serve(reload),
    onListening: (bound) => describeListener(log, bound, facts),
    onStatus(status) {
      notices.status(status);
      // It serves, and begins anew for the next client.
      if (status.status === "BEFORE_LEASE_HOOK_FAILED" && config.hooks.beforeLease?.onFailure === "endLease") {
        notices.ready();
      }
    },
    onReady() {
      log.info(`Ready: "${config.metadata.name}" serves ${describeExport(config.export)}`);
      notices.ready();
      if (options.runtimeDir === undefined) tidied ??= tidyUp(log);
    },
  });
  await tidied;
  if (end.kind === "hookFailed") {
    log.error(`Ended because ${end.reason}`);
    return exitCodes.hook;
  }
  log.info("Stopped");
  return exitCodes.ok;
}

function describeExport(entries: Readonly<Record<string, unknown>>): string {
  return Object.keys(entries).join(", ") || "no devices";
}
