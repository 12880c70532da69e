import { runExporter } from "../exporter/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { Logger } from "../log.ts";
import { type Address, formatAddress, parseListenAddress, type ServerCertificate } from "../rpc/mod.ts";
import { definedOnly, readPem } from "./connection_options.ts";
import { exitCodes } from "../exit_codes.ts";
import { loadExporterConfig } from "./exporter_config.ts";
import type { MainOptions } from "./main_options.ts";
import { type LogFormat, terminalLog } from "./output.ts";
import { choosePassphrase, type PassphraseOptions } from "./passphrase_source.ts";
import { logLevel } from "./program.ts";
import { serveJ } from "./serve_j.ts";
import { logStrayFaults } from "./stray_faults.ts";
import { stopSignals } from "./stop_signals.ts";

/** The options of `jmp run`, as commander names them. */
export interface RunOptions extends PassphraseOptions {
  exporterConfig?: string;
  exporter?: string;
  tlsGrpcListener?: string;
  tlsGrpcInsecure?: boolean;
  tlsCert?: string;
  tlsKey?: string;
  runtimeDir?: string;
  leastPrivilege?: boolean;
  /** In milliseconds, as all of them. */
  callGrace: number;
  hookKillGrace: number;
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
  const certificate = await readCertificate(options);
  const loaded = await loadExporterConfig(options, { env, packages });
  const sink = terminalLog(logLevel(options, "INFO"), options.logFormat);
  const log = new Logger(sink);
  warnOfExposure(log, address, certificate, passphrase);
  using _strays = logStrayFaults(log);
  using signals = stopSignals((name) => log.info(`Stopping (${name}); a second signal stops at once`));
  const end = await runExporter({
    loaded,
    packages,
    address,
    certificate,
    passphrase,
    sink,
    env: definedOnly(env),
    launcher,
    runtimeDir: options.runtimeDir,
    callGraceMs: options.callGrace,
    hookKillGraceMs: options.hookKillGrace,
    serveCommands: (place) => serveJ({ ...place, packages, program }),
    stopping: signals.stopping,
    forced: signals.forced,
    onListening: (bound) => log.info(`Listening on ${describeListener(bound, certificate)}`),
    onReady: () => log.info(`Ready: "${loaded.config.metadata.name}" serves ${describeExport(loaded.config.export)}`),
  });
  if (end.kind === "hookFailed") {
    log.error(`Ended because ${end.reason}`);
    return exitCodes.hook;
  }
  log.info("Stopped");
  return exitCodes.ok;
}

async function readCertificate(options: RunOptions): Promise<ServerCertificate | undefined> {
  const { tlsCert, tlsKey, tlsGrpcInsecure } = options;
  const refuse = (message: string, hint: string) => new JumpstarterError("usage", message, { hint });
  if (tlsGrpcInsecure) {
    if (tlsCert === undefined && tlsKey === undefined) return undefined;
    throw refuse("--tls-grpc-insecure serves plaintext, and a certificate was given", "leave one of them out");
  }
  if (tlsCert === undefined && tlsKey === undefined) {
    throw refuse("Neither TLS nor plaintext was asked for", "give --tls-cert and --tls-key, or --tls-grpc-insecure");
  }
  if (tlsCert === undefined) throw refuse("--tls-key was given without --tls-cert", "give both");
  if (tlsKey === undefined) throw refuse("--tls-cert was given without --tls-key", "give both");
  return { cert: await readPem(tlsCert, "--tls-cert"), key: await readPem(tlsKey, "--tls-key") };
}

function warnOfExposure(log: Logger, address: Address, certificate: unknown, passphrase: string | undefined): void {
  if (address.kind === "unix" || isLoopback(address.host)) return;
  if (passphrase === undefined) {
    log.warning("Anyone who can reach this machine can drive the devices; give --passphrase, or listen on 127.0.0.1");
  } else if (certificate === undefined) {
    log.warning("The passphrase crosses the network in plaintext; give --tls-cert and --tls-key to hide it");
  }
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && (host === "localhost" || host === "::1" || host.startsWith("127."));
}

function describeListener(address: Address, certificate: unknown): string {
  return `${formatAddress(address)} (${certificate === undefined ? "plaintext" : "TLS"})`;
}

function describeExport(entries: Readonly<Record<string, unknown>>): string {
  return Object.keys(entries).join(", ") || "no devices";
}
