import { join } from "node:path";
import { type LifecycleEnd, runExporter } from "../exporter/mod.ts";
import { Logger, type LogRecord, type LogSink } from "../log.ts";
import { privateSocket } from "../platform.ts";
import { openPrivateTempDir } from "../private_files.ts";
import type { UnixAddress } from "../address.ts";
import { definedOnly } from "./connection_options.ts";
import { longestMs } from "./duration.ts";
import { planExporter } from "./exporter_config.ts";
import { type LocalSignals, localSignals } from "./local_signals.ts";
import type { MainOptions } from "./main_options.ts";
import { formatText, writeErr } from "./output.ts";
import { serveJ } from "./serve_j.ts";
import { logStrayFaults } from "./stray_faults.ts";

/** An exporter in this process. */
export interface LocalExporter extends AsyncDisposable {
  /** Its socket, which only this user can reach. */
  readonly address: UnixAddress;
  /** What signals mean while it runs. */
  readonly signals: LocalSignals;
  /** Stops it, afterLease included; answers how it ended. */
  stop(): Promise<LifecycleEnd>;
}

/**
 * Serves the config that the options name on a private socket.
 *
 * @param sink Where its log lines go.
 */
export async function serveLocally(
  options: { exporterConfig?: string; exporter?: string; callGrace?: number; hookKillGrace?: number },
  { env, packages, launcher, program }: MainOptions,
  sink: LogSink,
): Promise<LocalExporter> {
  const planned = await planExporter(options, { env, packages });
  await using begun = new AsyncDisposableStack();
  const signals = begun.use(localSignals());
  const dir = begun.use(await openPrivateTempDir("local-"));
  const address: UnixAddress = { kind: "unix", path: privateSocket(join(dir.path, "exporter.sock")) };
  const listening = Promise.withResolvers<void>();
  let isEnding = false;
  begun.use(logStrayFaults(new Logger(sink)));
  const ended = runExporter({
    ...planned,
    packages,
    address,
    env: definedOnly(env),
    launcher,
    limits: { idleMs: longestMs }, // the session is as long as the command, whether that calls or not
    callGraceMs: options.callGrace,
    hookKillGraceMs: options.hookKillGrace,
    serveCommands: (place) => serveJ({ ...place, packages, program }),
    sink: (record) => isEnding && isFailure(record) ? writeErr(formatText(record)) : sink(record),
    stopping: signals.stopping,
    forced: signals.forced,
    onListening: () => listening.resolve(),
  });
  const stop = async () => {
    isEnding = true;
    signals.stop();
    return await ended;
  };
  await Promise.race([listening.promise, ended]);
  begun.defer(async () => void await stop().catch(() => {/* whoever called stop() is told */}));
  const owned = begun.move();
  return { address, signals, stop, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What goes wrong after the command has nobody else to tell of it. */
function isFailure({ severity, source }: LogRecord): boolean {
  return source === "system" && (severity === "WARNING" || severity === "ERROR");
}
