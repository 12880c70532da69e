import {
  type ExportEntries,
  type ExportEntry,
  type ExporterConfig,
  type FileReading,
  inFileOrder,
  type UnplacedProblem,
} from "../config/mod.ts";
import { type DriverDefinition, type DriverPackage, loadDriver, type StartContext } from "../driver/mod.ts";
import { ConfigError, DriverError, JumpstarterError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { schemaProblems } from "../schema_problems.ts";
import { CallQueue } from "./call_queue.ts";
import { type DriverNode, driverUuid } from "./driver_node.ts";

/** A driver of the config, found and with its `config` section checked, not yet started. */
interface PlannedDriver {
  /** Its name in the config. */
  readonly type: string;
  /** What its module was checked against. */
  readonly integrity?: string;
  readonly definition: DriverDefinition;
  readonly settings: unknown;
}

/** Every driver of a config by its path in the tree. */
export type DriverPlan = ReadonlyMap<string, PlannedDriver>;

/** Drivers that run. */
export interface DriverTree extends AsyncDisposable {
  /** The group that everything hangs off. */
  readonly root: DriverNode;
}

const compositeType = "jumpstarter_driver_composite.driver.Composite";

/** What a group is as a driver. */
const group = { type: compositeType, config: {} };

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
      const { type, config, integrity } = entry.kind === "driver" ? entry : { ...group, integrity: undefined };
      const definition = await loadDriver(packages, type, url, integrity);
      const settings = checkSettings(definition, config, place, problems);
      plan.set(keys.join("."), { type, integrity, definition, settings });
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

/**
 * Starts every driver, children before their parents. Disposing of the tree stops them in the same order.
 *
 * @throws {DriverError} when one cannot start; those that had started are stopped again.
 */
export async function startDrivers(
  config: ExporterConfig,
  plan: DriverPlan,
  packages: readonly DriverPackage[],
  { log, workDir }: Pick<StartContext, "log" | "workDir">,
): Promise<DriverTree> {
  const started: DriverNode[] = [];
  const exporterName = config.metadata.name;
  const start = async (
    keys: readonly string[],
    entries: ExportEntries,
    { definition, settings }: PlannedDriver,
    descriptions: Pick<DriverNode, "description" | "methodDescriptions">,
  ): Promise<DriverNode> => {
    const path = keys.join(".");
    const children = new Map<string, DriverNode>();
    for (const [name, entry] of Object.entries(entries)) {
      if (entry.kind === "ref") continue;
      const planned = plan.get([...keys, name].join("."));
      if (planned === undefined) throw new JumpstarterError("internal", `No plan for ${[...keys, name].join(".")}`);
      children.set(name, await start([...keys, name], entry.children, planned, { methodDescriptions: {}, ...entry }));
    }
    const driverLog = log.child({ source: "driver", driverType: definition.type });
    const context = { name: keys.at(-1) ?? exporterName, path, log: driverLog, workDir };
    const device = await startDevice(definition, settings, context);
    const node = {
      uuid: driverUuid(exporterName, path),
      path,
      description: descriptions.description,
      methodDescriptions: { ...descriptions.methodDescriptions, ...definition.describeMethods?.(settings) },
      definition,
      device,
      turns: new CallQueue(),
      log: driverLog,
      children,
    };
    started.push(node);
    return node;
  };
  const stop = () => stopDevices(started, log);
  try {
    const composite = {
      type: compositeType,
      definition: await loadDriver(packages, compositeType, new URL("file:///")),
      settings: {},
    };
    const root = await start([], config.export, composite, {
      description: config.description,
      methodDescriptions: {},
    });
    linkProxies(config, root, config.export, root);
    return { root, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startDevice(
  definition: DriverDefinition,
  settings: unknown,
  context: StartContext,
): Promise<unknown> {
  try {
    return await definition.start(settings, context);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint = cause instanceof JumpstarterError ? cause.hint : undefined;
    throw new DriverError("driver", `Cannot start the driver "${context.path}" (${definition.type}): ${reason}`, {
      driver: context.path,
      hint,
      cause,
    });
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

/** Disposes of every device, also when one of them fails. */
async function stopDevices(nodes: readonly DriverNode[], log: Logger): Promise<void> {
  for (const { device, path } of nodes) {
    try {
      if (isAsyncDisposable(device)) await device[Symbol.asyncDispose]();
      else if (isDisposable(device)) device[Symbol.dispose]();
    } catch (error) {
      log.error(`Cannot stop the driver "${path}": ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function isAsyncDisposable(device: unknown): device is AsyncDisposable {
  return typeof device === "object" && device !== null && Symbol.asyncDispose in device;
}

function isDisposable(device: unknown): device is Disposable {
  return typeof device === "object" && device !== null && Symbol.dispose in device;
}
