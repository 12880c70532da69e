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
  /**
   * Fires when it is to end: with the client, when the devices are taken from the client, and as it was begun until; and
   * when it has ended.
   */
  readonly signal: AbortSignal;
  /** Notes bytes of a stream or a file. */
  moved(bytes: { toClient?: number; fromClient?: number }): void;
  /** The error that the client is told when its use has failed with this one. */
  failed(error: unknown): unknown;
}

/** What the signal of a use says once that has ended by itself; one for all, since each would keep where it was made. */
const hasEnded = new JumpstarterError("cancelled", "It has ended");

/** How long a driver may take to end what it does for a client that has lost the devices, in milliseconds. */
const endGraceMs = 5_000;

/** What a use is begun with. */
interface UseParts {
  readonly facts: DriverUse;
  readonly user: User;
  /** What ends it beside the client. */
  readonly until: readonly AbortSignal[];
  readonly observe: ExporterObserver | undefined;
  /** Told when it has ended. */
  readonly onEnd: (use: OpenUse) => void;
}

/** One use, from its beginning to its end. There is one for each call, so it makes little and leaves nothing behind. */
class OpenUse implements Use {
  readonly #parts: UseParts;
  readonly #ended = new AbortController();
  readonly #sources: readonly AbortSignal[];
  #taken: JumpstarterError | undefined;
  #code: UseCode | undefined;

  constructor(parts: UseParts) {
    this.#parts = parts;
    // `AbortSignal.any` takes ten times as long, and what it ties together stays until the collector comes for it.
    this.#sources = [parts.user.signal, ...parts.until];
    for (const source of this.#sources) {
      if (source.aborted) this.#ended.abort(source.reason);
      else source.addEventListener("abort", this);
    }
  }

  /** What is used, as `driver.method`. */
  get what(): string {
    const { driver, method } = this.#parts.facts;
    return method === "" ? driver : `${driver}.${method}`;
  }

  get client(): ClientNote {
    const { identity = "", address, since } = this.#parts.facts;
    return { name: identity, peer: address, since };
  }

  get token(): string | undefined {
    return this.#parts.user.hold;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** One of the sources has fired. */
  handleEvent({ target }: Event): void {
    this.#ended.abort((target as AbortSignal).reason);
  }

  /** Takes the devices from the client. */
  take(reason: JumpstarterError): void {
    this.#taken = reason;
    this.#ended.abort(reason);
  }

  moved({ toClient = 0, fromClient = 0 }: { toClient?: number; fromClient?: number }): void {
    const { observe, facts } = this.#parts;
    observe?.({ kind: "bytes", use: facts, toClient, fromClient });
  }

  failed(error: unknown): unknown {
    const told = this.#taken ?? error;
    this.#code = codeOf(told);
    return told;
  }

  [Symbol.dispose](): void {
    const { facts, user, observe, onEnd } = this.#parts;
    for (const source of this.#sources) source.removeEventListener("abort", this);
    this.#ended.abort(hasEnded);
    onEnd(this);
    observe?.({ kind: "useEnded", use: facts, code: this.#code ?? (user.signal.aborted ? "cancelled" : "ok") });
  }
}

/** What clients have begun at the devices and not ended. */
class UseTable implements OpenUses {
  readonly #open = new Set<OpenUse>();
  /** Made for those who wait for it. */
  #nextEnd: PromiseWithResolvers<void> | undefined;

  get all(): Iterable<OpenUse> {
    return this.#open;
  }

  add(use: OpenUse): void {
    this.#open.add(use);
  }

  delete(use: OpenUse): void {
    this.#open.delete(use);
    this.#nextEnd?.resolve();
    this.#nextEnd = undefined;
  }

  ofOthers(token: string | undefined): OpenUse | undefined {
    for (const use of this.#open) {
      if (use.token === undefined || use.token !== token) return use;
    }
    return undefined;
  }

  nextEnd(): Promise<void> {
    return (this.#nextEnd ??= Promise.withResolvers()).promise;
  }

  async end(choice: { heldBy: string } | { notHeldBy: string }, reason: JumpstarterError): Promise<void> {
    const meant = [...this.#open].filter(({ token }) =>
      "heldBy" in choice ? token === choice.heldBy : token !== choice.notHeldBy
    );
    for (const use of meant) use.take(reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), endGraceMs));
    while (meant.some((use) => this.#open.has(use))) {
      if (await Promise.race([this.nextEnd(), late]) === "late") break;
    }
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
   * @param until What ends that, beside the client.
   * @throws {JumpstarterError} `busy` when somebody else holds the devices.
   */
  begin(
    of: Pick<DriverUse, "kind" | "driver" | "method">,
    user: User,
    until: readonly AbortSignal[] = [],
  ): Use {
    const { identity, peer: address, isTrusted: isHook, traceParent } = user;
    const facts: DriverUse = { ...of, identity, address, isHook, traceParent, since: new Date() };
    const observe = this.#observe;
    observe?.({ kind: "useBegun", use: facts });
    try {
      this.admit(user);
    } catch (error) {
      observe?.({ kind: "useEnded", use: facts, code: codeOf(error) });
      throw error;
    }
    const use = new OpenUse({ facts, user, until, observe, onEnd: this.#onEnd });
    if (!isHook) this.#uses.add(use);
    return use;
  }

  readonly #onEnd = (use: OpenUse): void => this.#uses.delete(use);

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
