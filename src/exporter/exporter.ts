import { ExporterStatus } from "../../proto/mod.ts";
import type { LoadedConfig } from "../config/mod.ts";
import type { DriverPackage } from "../driver/mod.ts";
import { type ExporterObserver, tellAll } from "../exporter_event.ts";
import { Listener } from "../listener.ts";
import { Logger, type LogSink, toAll } from "../log.ts";
import type { Address } from "../address.ts";
import { type BoundService, serve, type ServerCertificate, type ServerLimits } from "../rpc/mod.ts";
import type { DriverPlan } from "./build_tree.ts";
import { ChangeBell } from "./change_bell.ts";
import { ClientList } from "./client_list.ts";
import { ClientPresence } from "./client_presence.ts";
import { assertReloadable, type DriverChanges, Drivers } from "./reload.ts";
import { driverUuid } from "./driver_node.ts";
import { type CommandPlace, HookRunner, type ServedCommands } from "./hook_runner.ts";
import { directService } from "./direct_service.ts";
import { exporterStops, Lifecycle, type LifecycleEnd } from "./lifecycle.ts";
import { LogFeed } from "./log_feed.ts";
import { joinMotd } from "./motd.ts";
import { prepareRuntimeDir } from "./runtime_dir.ts";
import { exporterServices } from "./service.ts";
import { Session } from "./session.ts";
import { Sharing } from "./sharing.ts";
import { watchForStandstill } from "./standstill.ts";
import { StatusBoard } from "./status_board.ts";

/** What an exporter is to serve. */
export interface PlannedConfig {
  /** The config. */
  readonly loaded: LoadedConfig;
  /** What {@linkcode planDrivers} made of it. */
  readonly plan: DriverPlan;
}

/** What an exporter serves, where, and what it may use. */
export interface ExporterOptions extends PlannedConfig {
  /** The drivers that the config may name. */
  readonly packages: readonly DriverPackage[];
  /** Where to listen; port 0 picks a free one. */
  readonly address: Address;
  /** The certificate to serve TLS with, found to be of use; plaintext without it. */
  readonly certificate?: ServerCertificate;
  /** Asked from time to time for the certificate that has replaced it; new connections get that one. */
  readonly renewedCertificate?: () => Promise<ServerCertificate | undefined>;
  /** What every client must present. */
  readonly passphrase?: string;
  /** What clients are granted, where it is not the default. */
  readonly limits?: Partial<ServerLimits>;
  /** Where log lines go, beside the clients that follow them. */
  readonly sink: LogSink;
  /** The environment that hooks inherit. */
  readonly env: Readonly<Record<string, string>>;
  /** The words that start this program, for the `j` that hooks find on their PATH. */
  readonly launcher: readonly string[];
  /** An empty directory that only this user can enter, for its sockets; one is made and removed without it. */
  readonly runtimeDir?: string;
  /** Runs the `j` of hooks in this process; without it each `j` does its work by itself. */
  readonly serveCommands?: (place: CommandPlace) => Promise<ServedCommands>;
  /** Fires when the exporter is to stop: afterLease still runs. */
  readonly stopping: AbortSignal;
  /** Fires when it is to stop at once: a hook that runs is killed. */
  readonly forced?: AbortSignal;
  /** How long calls that still run may take to end before afterLease runs and at a stop, in milliseconds; else 10,000. */
  readonly callGraceMs?: number;
  /** How long a hook has to end after SIGTERM until it is killed, in milliseconds; 5,000 by default. */
  readonly hookKillGraceMs?: number;
  /** How long a file that a client has opened may wait for its call, in milliseconds; 300,000 by default. */
  readonly unusedFileTimeoutMs?: number;
  /** Told of what happens: metrics, an audit log, spans. */
  readonly observers?: readonly ExporterObserver[];
  /** Told where the exporter listens, before any hook runs. */
  readonly onListening?: (address: Address) => void;
  /** Given what replaces the config while the exporter runs, once it listens. */
  readonly onReloadable?: (reload: Reload) => void;
  /** Told of every change of its status. */
  readonly onStatus?: (status: LifecycleStatus) => void;
  /** Told each time clients may call drivers. */
  readonly onReady?: () => void;
}

/**
 * Takes a new config over: drivers whose entries are the same run on, and so do their calls.
 *
 * @throws {ConfigError} with what cannot change; nothing has changed then.
 */
export type Reload = (next: PlannedConfig) => Promise<DriverChanges>;

/** What an exporter says of itself. */
export interface LifecycleStatus {
  /** The state's name in the wire contract, such as `LEASE_READY`. */
  readonly status: string;
  /** Why, in words. */
  readonly message: string;
  /** The most that the hook may take that runs in this state. */
  readonly hookTimeoutMs?: number;
}

/** How long clients may take to hear the end of their calls when the exporter stops. */
const stopGraceMs = 1_000;

/** How long drivers may take to end the calls they are in the midst of; a script has 5 s to end itself. */
const usualCallGraceMs = 10_000;

/** What {@linkcode runExporter} does once it listens. */
export async function serveExporter(options: ExporterOptions, listener: Listener): Promise<LifecycleEnd> {
  const { loaded, plan, packages, stopping, forced, callGraceMs = usualCallGraceMs } = options;
  let current = loaded;
  const { config } = loaded;
  const feed = new LogFeed();
  const log = new Logger(toAll(options.sink, feed.push));
  const startedAt = new Date();
  const bell = new ChangeBell();
  const observe = tellAll([bell.ring, ...(options.observers ?? [])]);
  using connected = new ClientList(observe);
  const status = new StatusBoard(({ status, message }) => {
    options.onStatus?.(describeStatus(status, message, current.config));
    observe({ kind: "status", status: ExporterStatus[status], message });
  });
  const stopped = new AbortController();

  await using runtimeDir = await prepareRuntimeDir(options);
  const { workDir } = runtimeDir;
  await using drivers = await Drivers.start(config, plan, packages, { log, workDir, observe, stopping, forced });
  if (stopping.aborted) return { kind: "stopped" }; // nothing is served yet, and no hook has anything to tidy up
  await using hooks = new HookRunner({
    ...options,
    dir: runtimeDir,
    log,
    feed,
    observe,
    configUrl: () => current.url,
    async serve() {
      const own = await Listener.open({ kind: "unix", path: runtimeDir.socketPath });
      return serve({ listener: own, services, log, isTrusted: true });
    },
  });
  const clients = new ClientArrivals(stopping);
  const lifecycle = new Lifecycle({
    get hooks() {
      return current.config.hooks;
    },
    status,
    stopping,
    exitOnLeaseEnd: config.exitOnLeaseEnd,
    nextClient: () => clients.next(),
    onReady() {
      presence.forget(); // who stays from the session before has to call again
      options.onReady?.();
    },
    runHook: hooks.run,
    async endCalls(reason) {
      const unended = await session.endCalls(reason, callGraceMs, forced);
      for (const name of unended) log.warning(`${name} does not end, and is not waited for any longer`);
    },
    onSessionOver: () => feed.forgetHookLines(), // the next client is to see its own only
  });
  const presence = new ClientPresence(lifecycle);
  const sharing = new Sharing(observe);
  const session = new Session({
    name: config.metadata.name,
    uuid: driverUuid(config.metadata.name, "#exporter"),
    motd: () => joinMotd(current.config.motd, runtimeDir.motdFile),
    root: drivers.root,
    status,
    feed,
    sharing,
    exclusive: config.exclusive,
    stopped: stopped.signal,
    unusedFileTimeoutMs: options.unusedFileTimeoutMs,
    endSession: () => lifecycle.endSession(),
    onClient: presence.seen,
  });
  using _watched = watchForStandstill(log, () => session.recentCalls());
  const services: BoundService[] = [
    ...exporterServices(session),
    directService({
      sharing,
      status,
      clients: connected,
      bell,
      exclusive: config.exclusive,
      startedAt,
      stopped: stopped.signal,
    }),
  ];
  await using server = serve({
    listener,
    services,
    log,
    certificate: options.certificate,
    renewedCertificate: options.renewedCertificate,
    passphrase: options.passphrase,
    limits: options.limits,
    onConnection(peer) {
      connected.add(peer);
      clients.arrived();
    },
    onRefused: (refusal) => observe({ kind: "refused", ...refusal }),
  });
  options.onListening?.(server.address);
  options.onReloadable?.(async ({ loaded: next, plan }) => {
    assertReloadable(current, next);
    const endCalls = (paths: readonly string[]) => session.callsOfEnded(paths, callGraceMs, forced);
    const changes = await drivers.replace(next.config, plan, endCalls);
    session.useDrivers(drivers.root);
    current = next;
    return changes;
  });
  const end = await lifecycle.run();
  stopped.abort(exporterStops());
  const [unended] = await Promise.all([
    session.callsEnded(callGraceMs, forced),
    server.stop(stopGraceMs),
    hooks.stop(stopGraceMs),
  ]);
  for (const name of unended) log.warning(`${name} does not end; its device is closed all the same`);
  return end;
}

function describeStatus(status: ExporterStatus, message: string, { hooks }: LoadedConfig["config"]): LifecycleStatus {
  const hook = status === ExporterStatus.BEFORE_LEASE_HOOK
    ? hooks.beforeLease
    : status === ExporterStatus.AFTER_LEASE_HOOK
    ? hooks.afterLease
    : undefined;
  return { status: ExporterStatus[status], message, hookTimeoutMs: hook?.timeoutMs };
}

/** Lets one wait for the next client. */
class ClientArrivals {
  #arrival = Promise.withResolvers<void>();

  constructor(stopping: AbortSignal) {
    stopping.addEventListener("abort", () => this.#arrival.resolve(), { once: true });
  }

  readonly arrived = (): void => this.#arrival.resolve();

  next(): Promise<void> {
    this.#arrival = Promise.withResolvers<void>();
    return this.#arrival.promise;
  }
}
