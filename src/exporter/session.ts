import { ExporterStatus } from "../../proto/mod.ts";
import type { ByteStream } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { UseKind } from "../exporter_event.ts";
import type { Json } from "../json.ts";
import { isHookLine, type LogRecord } from "../log.ts";
import type { Caller } from "./caller.ts";
import {
  type CallLimits,
  callMethod,
  callStreamMethod,
  logStuck,
  openStreamMethod,
  toDriverError,
} from "./dispatch.ts";
import type { DriverNode } from "./driver_node.ts";
import type { LogFeed } from "./log_feed.ts";
import { type DriverReport, nodesByUuid, reportTree } from "./report.ts";
import { type Resource, ResourceTable } from "./resources.ts";
import { RunningCalls } from "./running_calls.ts";
import { Sharing, type Use } from "./sharing.ts";
import type { StatusBoard, StatusSnapshot } from "./status_board.ts";

/** What an exporter tells of itself and its drivers. */
export interface ExporterReport {
  readonly uuid: string;
  readonly labels: Record<string, string>;
  readonly motd?: string;
  readonly reports: DriverReport[];
}

/** What a session is made of. */
export interface SessionParts {
  /** The exporter's name. */
  readonly name: string;
  /** The exporter's id. */
  readonly uuid: string;
  /** The message of the day, as it stands when a client asks. */
  readonly motd: () => string | undefined;
  readonly root: DriverNode;
  readonly status: StatusBoard;
  readonly feed: LogFeed;
  /** Clients are asked to hold the devices before they use them; false by default. */
  readonly exclusive?: boolean;
  /** Who may use the devices while somebody holds them; nobody does by default. */
  readonly sharing?: Sharing;
  /** Fires when the exporter stops: every call ends. */
  readonly stopped: AbortSignal;
  /** How long a file that a client has opened may wait for its call, in milliseconds; 300,000 by default. */
  readonly unusedFileTimeoutMs?: number;
  /** Ends the present client's session and prepares the next. */
  readonly endSession: () => Promise<string>;
  /** Told of each client that asks for the status or reaches for a device, before it is answered. */
  readonly onClient?: (caller: Caller) => void;
}

/** A raw connection to a device. */
export type OpenedStream = Use & {
  readonly stream: ByteStream;
  /** To be told when the device does not let go of it. */
  readonly onStuck: (error: unknown) => void;
};

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What clients can do with an exporter; knows no transport. */
export class Session {
  readonly #parts: SessionParts;
  #root: DriverNode;
  #nodes: ReadonlyMap<string, DriverNode>;
  readonly #resources: ResourceTable;
  /** What drivers are in the midst of. */
  readonly #running = { clients: new RunningCalls(), hooks: new RunningCalls() };
  readonly #sharing: Sharing;
  /** What ends the logs that are followed over a connection. */
  readonly #logEnds = new WeakMap<AbortSignal, AbortController>();
  /** Fires when the present client's session ends. */
  #ended = new AbortController();

  /** Makes the session of an exporter whose drivers run. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#root = parts.root;
    this.#nodes = nodesByUuid(parts.root);
    this.#sharing = parts.sharing ?? new Sharing();
    this.#resources = new ResourceTable({ unusedTimeoutMs: parts.unusedFileTimeoutMs });
  }

  /** Serves other drivers from now on; what runs on the ones before goes on with them. */
  useDrivers(root: DriverNode): void {
    this.#root = root;
    this.#nodes = nodesByUuid(root);
  }

  /** The exporter and its drivers. */
  report({ isTrusted }: Pick<Caller, "isTrusted">): ExporterReport {
    const { name, uuid, motd, exclusive } = this.#parts;
    const asks = exclusive && !isTrusted;
    const labels = { "jumpstarter.dev/name": name, ...(asks && { "jumpstarter.dev/exclusive": "true" }) };
    return { uuid, labels, motd: motd(), reports: [...reportTree(this.#root)] };
  }

  /** What the exporter says of itself. To a hook it is ready, or the hook would wait for its own end. */
  status(caller: Caller): StatusSnapshot {
    this.#parts.onClient?.(caller);
    const snapshot = this.#parts.status.read(caller.connectionClosed);
    return isOpenTo(caller, snapshot) ? { ...snapshot, status: ExporterStatus.LEASE_READY } : snapshot;
  }

  /** The recent log lines and every new one; to a hook those of hooks are not sent, since it may print what it gets. */
  logs({ connectionClosed, signal, isTrusted }: Caller): AsyncIterable<LogRecord> {
    const end = this.#logEnds.get(connectionClosed) ?? new AbortController();
    this.#logEnds.set(connectionClosed, end);
    const records = this.#parts.feed.follow(AbortSignal.any([signal, end.signal, this.#parts.stopped]));
    return isTrusted ? withoutHookLines(records) : records;
  }

  /** Ends the logs that are followed over the caller's connection, after the lines up to now. */
  endLogs({ connectionClosed }: Pick<Caller, "connectionClosed">): void {
    this.#logEnds.get(connectionClosed)?.abort();
    this.#logEnds.delete(connectionClosed);
  }

  /** Calls a method that answers once. */
  async call(uuid: string, method: string, args: readonly Json[], caller: Caller): Promise<Json> {
    const node = this.#admit(uuid, caller);
    using use = this.#begin(node, "call", method, caller);
    try {
      return await callMethod(node, method, args, this.#scope(node, caller, use));
    } catch (error) {
      throw use.failed(error);
    }
  }

  /** Calls a method that answers with many values. */
  async *callStream(uuid: string, method: string, args: readonly Json[], caller: Caller): AsyncGenerator<Json> {
    const node = this.#admit(uuid, caller);
    using use = this.#begin(node, "callStream", method, caller);
    try {
      yield* callStreamMethod(node, method, args, this.#scope(node, caller, use));
      use.signal.throwIfAborted(); // the driver may have ended well because of it
    } catch (error) {
      throw use.failed(error);
    }
  }

  /** Opens a raw connection to a device. */
  async openStream(uuid: string, method: string, caller: Caller): Promise<OpenedStream> {
    const node = this.#admit(uuid, caller);
    const use = this.#begin(node, "openStream", method, caller);
    try {
      const stream = await openStreamMethod(node, method, this.#scope(node, caller, use));
      // What breaks later is a device's own error, which is told in this project's terms.
      const failed = (error: unknown) =>
        use.failed(error instanceof JumpstarterError ? error : toDriverError(node, method, error, caller.signal));
      return { ...partsOf(use), stream, failed, onStuck: (error) => logStuck(node, method, error) };
    } catch (error) {
      const told = use.failed(error);
      use[Symbol.dispose]();
      throw told;
    }
  }

  /** Opens a stream for a file that one of a driver's methods is to read or write. */
  async openResource(uuid: string, encoding: string | null, caller: Caller): Promise<Resource & Use> {
    const node = this.#admit(uuid, caller);
    const use = this.#begin(node, "file", "", caller);
    const owner = { driverUuid: node.uuid, connectionClosed: caller.connectionClosed };
    let resource: Resource;
    try {
      resource = await this.#resources.open(owner, encoding);
    } catch (error) {
      const told = use.failed(error);
      use[Symbol.dispose]();
      throw told;
    }
    return {
      ...resource,
      ...partsOf(use),
      [Symbol.dispose]() {
        resource[Symbol.dispose]();
        use[Symbol.dispose]();
      },
    };
  }

  /** Ends the present session: afterLease, then beforeLease for the next. Answers how that went. */
  endSession(caller: Caller): Promise<string> {
    this.#sharing.admit(caller);
    return this.#parts.endSession();
  }

  /** Notes a stream that is open, until it is disposed of. */
  note(uuid: string, method: string, caller: Pick<Caller, "isTrusted">): Disposable {
    return this.#runningOf(caller).begin(`${this.#nodes.get(uuid.toLowerCase())?.path ?? uuid}.${method}`);
  }

  /**
   * Ends what clients have running and open: the session is over. What a hook has goes on. Waits until it has ended,
   * `limitMs` at most and not once `hurry` has fired; answers which still run.
   *
   * @param reason What the callers are told.
   */
  async endCalls(reason: JumpstarterError, limitMs: number, hurry?: AbortSignal): Promise<string[]> {
    this.#ended.abort(reason);
    this.#ended = new AbortController();
    return await this.#running.clients.ended(limitMs, hurry);
  }

  /** The methods that run, or have run since this was asked last. */
  recentCalls(): string[] {
    const { clients, hooks } = this.#running;
    return [...new Set([...clients.takeRecent(), ...hooks.takeRecent()])];
  }

  /** Waits for all calls to end, `limitMs` at most and not once `hurry` has fired; answers which still run. */
  async callsEnded(limitMs: number, hurry?: AbortSignal): Promise<string[]> {
    const { clients, hooks } = this.#running;
    return (await Promise.all([clients.ended(limitMs, hurry), hooks.ended(limitMs, hurry)])).flat();
  }

  /** The same for the drivers at these paths alone. */
  async callsOfEnded(paths: readonly string[], limitMs: number, hurry?: AbortSignal): Promise<string[]> {
    const isMeant = (name: string) => paths.includes(name.slice(0, name.lastIndexOf(".")));
    const { clients, hooks } = this.#running;
    return (await Promise.all([clients.ended(limitMs, hurry, isMeant), hooks.ended(limitMs, hurry, isMeant)])).flat();
  }

  #runningOf({ isTrusted }: Pick<Caller, "isTrusted">): RunningCalls {
    return isTrusted ? this.#running.hooks : this.#running.clients;
  }

  /**
   * Notes that a caller begins something, which ends at the latest with the session, the exporter and the driver. What
   * peers name is noted only as far as there is such a thing.
   */
  #begin(node: DriverNode, kind: UseKind, method: string, caller: Caller): Use {
    const { path, definition: { methods } } = node;
    const name = method === "" || Object.hasOwn(methods, method) ? method : "?";
    return this.#sharing.begin({ kind, driver: path, method: name }, caller, this.#endsOf(node, caller));
  }

  /** What ends whatever a caller has of a driver. */
  #endsOf({ removed }: DriverNode, { isTrusted }: Caller): AbortSignal[] {
    const ends = [this.#parts.stopped];
    if (!isTrusted) ends.push(this.#ended.signal);
    if (removed !== undefined) ends.push(removed);
    return ends;
  }

  /** The driver that a client may call. */
  #admit(uuid: string, caller: Caller): DriverNode {
    this.#parts.onClient?.(caller);
    const { current } = this.#parts.status;
    if (isOpenTo(caller, current)) return this.#node(uuid);
    const { status, message } = current;
    throw new JumpstarterError("not_ready", `The exporter is not ready (${ExporterStatus[status]}): ${message}`);
  }

  #node(uuid: string): DriverNode {
    const node = this.#nodes.get(uuid.toLowerCase());
    if (node !== undefined) return node;
    if (!uuidPattern.test(uuid)) throw new JumpstarterError("invalid_argument", `"${uuid}" is no driver id`);
    throw new JumpstarterError("not_found", `This exporter has no driver ${uuid}`);
  }

  /** What a call of one driver may use, and until when. */
  #scope(node: DriverNode, caller: Caller, use: Use): CallLimits {
    const ends = this.#endsOf(node, caller);
    return {
      signal: use.signal,
      clientGone: () => AbortSignal.any([caller.connectionClosed, ...ends]),
      files: this.#resources.accessFor({ driverUuid: node.uuid, connectionClosed: caller.connectionClosed }),
      running: this.#runningOf(caller),
    };
  }
}

/** Whether calls are let in: those of clients between the hooks, those of hooks during these as well. */
function isOpenTo({ isTrusted }: Pick<Caller, "isTrusted">, { status }: StatusSnapshot): boolean {
  const isHookTime = status === ExporterStatus.BEFORE_LEASE_HOOK || status === ExporterStatus.AFTER_LEASE_HOOK;
  return status === ExporterStatus.LEASE_READY || (isTrusted && isHookTime);
}

async function* withoutHookLines(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
  for await (const record of records) {
    if (!isHookLine(record)) yield record;
  }
}

/** A use as parts of something more. */
function partsOf(use: Use): Use {
  return {
    signal: use.signal,
    moved: (bytes) => use.moved(bytes),
    failed: (error) => use.failed(error),
    [Symbol.dispose]: () => use[Symbol.dispose](),
  };
}
