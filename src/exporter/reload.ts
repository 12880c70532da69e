/** A new config for an exporter that runs: what has not changed runs on. */
import { isDeepStrictEqual } from "node:util";
import type { ExporterConfig, LoadedConfig } from "../config/mod.ts";
import type { DriverPackage } from "../driver/mod.ts";
import { ConfigError, JumpstarterError } from "../errors.ts";
import { type DriverPlan, type DriverTree, type PlannedDriver, startDrivers, type StartParts } from "./build_tree.ts";
import type { DriverNode } from "./driver_node.ts";

/** What a reload has done to the drivers, by their paths. */
export interface DriverChanges {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
}

/** What a config has that is taken over, and what has no effect on an exporter. */
const changeable: ReadonlySet<string> = new Set([
  ...["export", "hooks", "description", "motd"],
  ...["endpoint", "token", "tls", "grpcOptions", "failureDetection"],
]);

/**
 * Looks that nothing has changed that is only read at the start.
 *
 * @throws {ConfigError} with each that has.
 */
export function assertReloadable({ config: old }: LoadedConfig, { config, source, problemsAt }: LoadedConfig): void {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(config)])] as (keyof ExporterConfig)[];
  const changed = keys.filter((key) => !changeable.has(key) && !isDeepStrictEqual(old[key], config[key]));
  const paths = changed.map((key): string[] => [key]);
  if (old.hooks.scope !== config.hooks.scope) paths.push(["hooks", "scope"]);
  const problems = paths.map((path) => ({
    path,
    message: `"${path.join(".")}" cannot change while the exporter runs`,
    hint: "start it again",
  }));
  if (problems.length > 0) throw new ConfigError(source, problemsAt(problems));
}

/** The drivers of an exporter, as its present config has them. */
export class Drivers implements AsyncDisposable {
  #tree: DriverTree;
  readonly #packages: readonly DriverPackage[];
  readonly #parts: StartParts;
  /** The reload that is under way. */
  #replacing: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  /**
   * Starts all of them.
   *
   * @throws {DriverError} when one that is required cannot start.
   */
  static async start(
    config: ExporterConfig,
    plan: DriverPlan,
    packages: readonly DriverPackage[],
    parts: StartParts,
  ): Promise<Drivers> {
    return new Drivers(await startDrivers(config, plan, packages, parts), packages, parts);
  }

  private constructor(tree: DriverTree, packages: readonly DriverPackage[], parts: StartParts) {
    this.#tree = tree;
    this.#packages = packages;
    this.#parts = parts;
  }

  /** The group that everything hangs off. */
  get root(): DriverNode {
    return this.#tree.root;
  }

  /**
   * Goes over to another plan. First everything that is not in it any more ends, calls and devices, since what comes
   * may need the same ports; what has not changed is not touched. That a new driver is required is for the start alone:
   * here the exporter runs, and goes on.
   *
   * @param callsEnded Waits for the calls of the drivers at these paths, which have been told, and answers which run on.
   */
  replace(
    config: ExporterConfig,
    plan: DriverPlan,
    callsEnded: (paths: readonly string[]) => Promise<readonly string[]>,
  ): Promise<DriverChanges> {
    const replaced = this.#replacing.then(() => this.#replace(config, plan, callsEnded));
    this.#replacing = replaced.catch(() => {/* for its own caller to hear */});
    return replaced;
  }

  async #replace(
    config: ExporterConfig,
    plan: DriverPlan,
    callsEnded: (paths: readonly string[]) => Promise<readonly string[]>,
  ): Promise<DriverChanges> {
    if (this.#isStopped) throw new JumpstarterError("cancelled", "The exporter is stopping");
    const { drivers } = this.#tree;
    const isSame = (path: string) => path === "" || isSameDriver(drivers.get(path)?.planned, plan.get(path));
    const ended = [...drivers.keys()].filter((path) => !isSame(path));
    const { log, observe } = this.#parts;
    for (const path of ended) drivers.get(path)?.removed.abort(configChanged());
    for (const name of await callsEnded(ended)) log.warning(`${name} does not end; its device is closed all the same`);
    for (const path of ended) {
      await drivers.get(path)?.slot[Symbol.asyncDispose]();
      observe?.({ kind: "driver", driver: path, fault: undefined }); // what is not there is not broken
    }
    const running = new Map([...drivers].filter(([path]) => isSame(path)));
    const optional = new Map(Array.from(plan, ([path, planned]) => [path, { ...planned, isRequired: false }]));
    this.#tree = await startDrivers(config, optional, this.#packages, { ...this.#parts, running });
    return {
      added: [...plan.keys()].filter((path) => !drivers.has(path)),
      replaced: ended.filter((path) => plan.has(path)),
      removed: ended.filter((path) => !plan.has(path)),
    };
  }

  /** Stops all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#replacing;
    await this.#tree[Symbol.asyncDispose]();
  }
}

function isSameDriver(one: PlannedDriver | undefined, other: PlannedDriver | undefined): boolean {
  return one?.type === other?.type && one?.integrity === other?.integrity &&
    isDeepStrictEqual(one?.config, other?.config);
}

function configChanged(): JumpstarterError {
  return new JumpstarterError("unavailable", "the config has changed, and its driver with it");
}
