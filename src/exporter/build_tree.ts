import {
  type ExportEntries,
  type ExportEntry,
  type ExporterConfig,
  type FileReading,
  inFileOrder,
  type UnplacedProblem,
} from "../config/mod.ts";
import { type DriverDefinition, type DriverPackage, loadDriver, type StartContext } from "../driver/mod.ts";
import { ConfigError, JumpstarterError } from "../errors.ts";
import type { ExporterObserver } from "../exporter_event.ts";
import { schemaProblems } from "../schema_problems.ts";
import { CallQueue } from "./call_queue.ts";
import { type DriverNode, driverUuid } from "./driver_node.ts";
import { DriverSlot, type StartTimes } from "./driver_slot.ts";

/** A driver of the config, found and with its `config` section checked, not yet started. */
export interface PlannedDriver {
  /** Its name in the config. */
  readonly type: string;
  /** Its section as the config has it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What its module was checked against. */
  readonly integrity?: string;
  readonly definition: DriverDefinition;
  readonly settings: unknown;
  /** The exporter does not start without it. */
  readonly isRequired: boolean;
}

/** Every driver of a config by its path in the tree. */
export type DriverPlan = ReadonlyMap<string, PlannedDriver>;

/** A driver that has its place, whether it runs or cannot start yet. */
export interface PlacedDriver {
  readonly planned: PlannedDriver;
  readonly slot: DriverSlot;
  readonly turns: CallQueue;
  /** Fires when its place is taken from it, while others run on. */
  readonly removed: AbortController;
}

/** The drivers of a config, those that run and those that cannot start yet. */
export interface DriverTree extends AsyncDisposable {
  /** The group that everything hangs off. */
  readonly root: DriverNode;
  /** Each driver by its path, children before their parents. */
  readonly drivers: ReadonlyMap<string, PlacedDriver>;
}

const compositeType = "jumpstarter_driver_composite.driver.Composite";

/** What a group is as a driver. */
const group = { type: compositeType, config: {}, integrity: undefined, isRequired: false };

/**
 * Finds the driver of every entry and checks its `config` section. Nothing is started.
 *
 * @param reading The config, faulty or not: its own problems are told together with those found here.
 * @throws {ConfigError} with every problem, each at its place in the file.
 */
export async function planDrivers(
  { entries, source, problems: known, problemsAt, url }: FileReading,
  packages: readonly DriverPackage[],
): Promise<DriverPlan> {
  const plan = new Map<string, PlannedDriver>();
  const problems: UnplacedProblem[] = [];
  const visit = async (entry: ExportEntry, keys: readonly string[]) => {
    if (entry.kind === "ref") return;
    const place = ["export", ...keys.flatMap((key, depth) => depth === 0 ? [key] : ["children", key])];
    try {
      const { type, config, integrity, isRequired } = entry.kind === "driver" ? entry : group;
      const definition = await loadDriver(packages, type, url, integrity);
      const settings = checkSettings(definition, config, place, problems);
      plan.set(keys.join("."), { type, config, integrity, definition, settings, isRequired });
    } catch (error) {
      if (!(error instanceof JumpstarterError)) throw error;
      problems.push({ path: [...place, "type"], message: error.message, hint: error.hint });
    }
    for (const [name, child] of Object.entries(entry.children)) await visit(child, [...keys, name]);
  };
  for (const [name, entry] of Object.entries(entries)) await visit(entry, [name]);
  const all = [...known, ...problemsAt(problems)];
  if (all.length > 0) throw new ConfigError(source, inFileOrder(all));
  return plan;
}

function checkSettings(
  { config: schema, type }: DriverDefinition,
  config: Readonly<Record<string, unknown>>,
  place: readonly string[],
  problems: UnplacedProblem[],
): unknown {
  if (schema === undefined) {
    for (const key of Object.keys(config)) {
      problems.push({
        path: [...place, "config", key],
        message: `unknown key "${key}"`,
        hint: `${type} takes no config`,
        at: "key",
      });
    }
    return {};
  }
  const outcome = schema.safeParse(config);
  if (outcome.success) return outcome.data;
  problems.push(...schemaProblems(schema, outcome.error.issues, [...place, "config"], config));
  return undefined;
}

/** What drivers start with. */
export interface StartParts extends Pick<StartContext, "log" | "workDir"> {
  /** How long things take, where it is not as usual. */
  readonly times?: StartTimes;
  /** Fires when the exporter is to stop: no driver is started then, nor waited for. */
  readonly stopping?: AbortSignal;
  /** Fires when it is to stop at once: no driver is waited for that closes. */
  readonly forced?: AbortSignal;
  /** Told which drivers do not run. */
  readonly observe?: ExporterObserver;
  /** Drivers that run already, by their paths. */
  readonly running?: ReadonlyMap<string, PlacedDriver>;
}

/**
 * Starts every driver, children before their parents. Disposing of the tree stops them in the same order. A driver that
 * cannot start has a fault, and is tried again; it keeps no other from running, nor its parent.
 *
 * @throws {DriverError} when one that is required cannot start; those that had started are stopped again.
 */
export async function startDrivers(
  config: ExporterConfig,
  plan: DriverPlan,
  packages: readonly DriverPackage[],
  { log, workDir, observe, running, times, stopping, forced }: StartParts,
): Promise<DriverTree> {
  const drivers = new Map<string, PlacedDriver>();
  const exporterName = config.metadata.name;
  const start = async (
    keys: readonly string[],
    entries: ExportEntries,
    planned: PlannedDriver,
    { description, methodDescriptions }: Pick<DriverNode, "description" | "methodDescriptions">,
  ): Promise<DriverNode> => {
    const { definition, settings, isRequired } = planned;
    const path = keys.join(".");
    const children = new Map<string, DriverNode>();
    for (const [name, entry] of Object.entries(entries)) {
      if (entry.kind === "ref") continue;
      const below = plan.get([...keys, name].join("."));
      if (below === undefined) throw new JumpstarterError("internal", `No plan for ${[...keys, name].join(".")}`);
      children.set(name, await start([...keys, name], entry.children, below, { methodDescriptions: {}, ...entry }));
    }
    const driverLog = log.child({ source: "driver", driverType: definition.type });
    const context = { name: keys.at(-1) ?? exporterName, path, log: driverLog, workDir };
    const onFault = (fault: string | undefined) => observe?.({ kind: "driver", driver: path, fault });
    const known = running?.get(path);
    const slot = known?.slot ??
      new DriverSlot({ definition, settings, context, isRequired, times, stopping, forced, onFault });
    const placed = { planned, turns: new CallQueue(), removed: new AbortController(), ...known, slot };
    drivers.set(path, placed);
    if (known === undefined) await slot.start();
    return {
      uuid: driverUuid(exporterName, path),
      path,
      description,
      methodDescriptions: { ...methodDescriptions, ...definition.describeMethods?.(settings) },
      definition,
      get device() {
        return slot.device;
      },
      get fault() {
        return slot.fault;
      },
      turns: placed.turns,
      removed: placed.removed.signal,
      log: driverLog,
      children,
    };
  };
  const stop = async () => {
    for (const { slot } of drivers.values()) await slot[Symbol.asyncDispose]();
  };
  try {
    const composite = {
      type: compositeType,
      definition: await loadDriver(packages, compositeType, new URL("file:///")),
      config: {},
      settings: {},
      isRequired: true,
    };
    const { description } = config;
    const root = await start([], config.export, composite, { description, methodDescriptions: {} });
    linkProxies(config, root, config.export, root);
    return { root, drivers, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Hangs each proxy's target under the proxy's own key, in the order of the config. */
function linkProxies(config: ExporterConfig, node: DriverNode, entries: ExportEntries, root: DriverNode): void {
  const inOrder = new Map<string, DriverNode>();
  for (const [name, entry] of Object.entries(entries)) {
    const child = entry.kind === "ref" ? nodeAt(root, entry.target) : node.children.get(name);
    if (child === undefined) throw new JumpstarterError("internal", `No driver for "${name}"`);
    inOrder.set(name, child);
    if (entry.kind !== "ref") linkProxies(config, child, entry.children, root);
  }
  node.children.clear();
  for (const [name, child] of inOrder) node.children.set(name, child);
}

function nodeAt(root: DriverNode, path: readonly string[]): DriverNode | undefined {
  return path.reduce<DriverNode | undefined>((node, key) => node?.children.get(key), root);
}
