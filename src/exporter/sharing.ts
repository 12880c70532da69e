import { type ErrorCode, JumpstarterError } from "../errors.ts";
import type { DriverUse, ExporterObserver, UseCode } from "../exporter_event.ts";
import { type Claim, type ClientNote, type HoldEvent, HoldTable, type OpenUses } from "./hold_table.ts";

/** Who uses a driver, as far as sharing goes. */
export interface User {
  readonly peer: string;
  readonly identity?: string;
  readonly isTrusted: boolean;
  /** Fires when the client gives up or goes. */
  readonly signal: AbortSignal;
  /** What shows that the client holds the devices. */
  readonly hold?: string;
  /** The span in which the client has made the call. */
  readonly traceParent?: string;
}

/** Something of a driver's that is under way for a client, until it is disposed of. */
export interface Use extends Disposable {
  /** Fires when the devices are taken from the client, with what it is told. */
  readonly signal: AbortSignal;
  /** Notes bytes of a stream or a file. */
  moved(bytes: { toClient?: number; fromClient?: number }): void;
  /** The error that the client is told when its use has failed with this one. */
  failed(error: unknown): unknown;
}

/** How long a driver may take to end what it does for a client that has lost the devices, in milliseconds. */
const endGraceMs = 5_000;

/** One use, and what it takes to end it. */
interface OpenUse {
  readonly what: string;
  readonly client: ClientNote;
  readonly token: string | undefined;
  readonly taken: AbortController;
  readonly ended: PromiseWithResolvers<void>;
}

/** What clients have begun at the devices and not ended. */
class UseTable implements OpenUses {
  readonly #open = new Set<OpenUse>();
  #nextEnd = Promise.withResolvers<void>();

  get all(): Iterable<OpenUse> {
    return this.#open;
  }

  add(use: OpenUse): void {
    this.#open.add(use);
  }

  delete(use: OpenUse): void {
    this.#open.delete(use);
    use.ended.resolve();
    this.#nextEnd.resolve();
    this.#nextEnd = Promise.withResolvers<void>();
  }

  ofOthers(token: string | undefined): OpenUse | undefined {
    for (const use of this.#open) {
      if (use.token === undefined || use.token !== token) return use;
    }
    return undefined;
  }

  nextEnd(): Promise<void> {
    return this.#nextEnd.promise;
  }

  async end(choice: { heldBy: string } | { notHeldBy: string }, reason: JumpstarterError): Promise<void> {
    const meant = [...this.#open].filter(({ token }) =>
      "heldBy" in choice ? token === choice.heldBy : token !== choice.notHeldBy
    );
    for (const { taken } of meant) taken.abort(reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      Promise.all(meant.map(({ ended }) => ended.promise)),
      new Promise<void>((resolve) => timer = setTimeout(resolve, endGraceMs)),
    ]);
    clearTimeout(timer);
  }
}

/** How clients share the devices: everyone uses them, until somebody holds them. */
export class Sharing {
  readonly #uses = new UseTable();
  readonly #holds: HoldTable;
  readonly #observe: ExporterObserver | undefined;

  /** Begins with devices that nobody uses. */
  constructor(observe?: ExporterObserver) {
    this.#observe = observe;
    this.#holds = new HoldTable(this.#uses, () => {
      const { holder, waiting } = this.#holds;
      const told = holder && { name: holder.name, address: holder.peer, since: holder.since };
      observe?.({ kind: "holds", holder: told, waiting });
    });
  }

  /** Who holds the devices, and how many wait to. */
  get holds(): Pick<HoldTable, "holder" | "waiting" | "isHeldBy"> {
    return this.#holds;
  }

  /** What is under way for clients. */
  get uses(): { readonly what: string; readonly client: ClientNote }[] {
    return Array.from(this.#uses.all, ({ what, client }) => ({ what, client }));
  }

  /**
   * Lets a client change something. A hook is none: the devices are its own while it runs.
   *
   * @throws {JumpstarterError} `busy` when somebody else holds the devices.
   */
  admit({ isTrusted, hold }: Pick<User, "isTrusted" | "hold">): void {
    if (!isTrusted) this.#holds.admit(hold);
  }

  /**
   * Notes that a client begins to use a driver.
   *
   * @throws {JumpstarterError} `busy` when somebody else holds the devices.
   */
  begin(of: Pick<DriverUse, "kind" | "driver" | "method">, user: User): Use {
    const { identity, peer: address, isTrusted: isHook, traceParent } = user;
    const facts: DriverUse = { ...of, identity, address, isHook, traceParent, since: new Date() };
    this.#observe?.({ kind: "useBegun", use: facts });
    try {
      this.admit(user);
    } catch (error) {
      this.#observe?.({ kind: "useEnded", use: facts, code: codeOf(error) });
      throw error;
    }
    return this.#add(facts, user);
  }

  #add(facts: DriverUse, { isTrusted, hold, signal }: User): Use {
    const { driver, method, identity = "", address, since } = facts;
    const taken = new AbortController();
    const use: OpenUse = {
      what: method === "" ? driver : `${driver}.${method}`,
      client: { name: identity, peer: address, since },
      token: hold,
      taken,
      ended: Promise.withResolvers(),
    };
    if (!isTrusted) this.#uses.add(use);
    let code: UseCode | undefined;
    return {
      signal: taken.signal,
      moved: ({ toClient = 0, fromClient = 0 }) => this.#observe?.({ kind: "bytes", use: facts, toClient, fromClient }),
      failed: (error) => {
        const told = taken.signal.aborted ? taken.signal.reason : error;
        code = codeOf(told);
        return told;
      },
      [Symbol.dispose]: () => {
        this.#uses.delete(use);
        code ??= signal.aborted ? "cancelled" : "ok";
        this.#observe?.({ kind: "useEnded", use: facts, code });
      },
    };
  }

  /**
   * Holds the devices until the loop is left or the client goes.
   *
   * @throws {JumpstarterError} `busy` when somebody else uses them, and the claim neither waits nor steals.
   */
  hold(claim: Claim): AsyncGenerator<HoldEvent> {
    return this.#holds.hold(claim);
  }
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof JumpstarterError ? error.code : "internal";
}
