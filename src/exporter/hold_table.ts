import { createHash, timingSafeEqual } from "node:crypto";
import { JumpstarterError } from "../errors.ts";

/** A client that holds or uses the devices. */
export interface ClientNote {
  /** What it calls itself; empty where it does not say. */
  readonly name: string;
  /** Where it is. */
  readonly peer: string;
  /** Since when. */
  readonly since: Date;
}

/** What clients have begun at the devices and not ended. Hooks are no clients. */
export interface OpenUses {
  /** One that belongs to no hold of this token, if there is any. */
  ofOthers(token: string | undefined): { readonly what: string; readonly client: ClientNote } | undefined;
  /** Settles when the next one ends. */
  nextEnd(): Promise<void>;
  /** Breaks off those of a hold, or those of everyone else; settles when the devices are free of them. */
  end(choice: { readonly heldBy: string } | { readonly notHeldBy: string }, reason: JumpstarterError): Promise<void>;
}

/** A client that wants the devices to itself. */
export interface Claim {
  readonly name: string;
  readonly peer: string;
  /** What comes with the client's calls. */
  readonly token: string;
  /** Wait until they are free. */
  readonly wait: boolean;
  /** Take them from whoever uses them. */
  readonly steal: boolean;
  /** Fires when the client goes. */
  readonly signal: AbortSignal;
}

/** What becomes of a claim. */
export type HoldEvent =
  | { readonly kind: "waiting"; readonly ahead: number; readonly other?: ClientNote }
  | { readonly kind: "held" }
  | { readonly kind: "lost"; readonly other: ClientNote };

/** One claim from its beginning to its end. */
interface Entry extends ClientNote {
  readonly token: string;
  /** Since when it waits, and then since when it holds. */
  since: Date;
  /** Who has taken the devices from it. */
  thief?: ClientNote;
}

/**
 * Who has the devices to itself. A hold lasts as long as the loop over {@linkcode hold} does, which is as long as the
 * client's connection; what the client has begun ends with it.
 */
export class HoldTable {
  readonly #uses: OpenUses;
  readonly #onChange: () => void;
  #holder: Entry | undefined;
  readonly #queue: Entry[] = [];
  #change = Promise.withResolvers<void>();

  /** Makes the table of devices that nobody holds. `onChange` is told when somebody holds or waits, or does not any more. */
  constructor(uses: OpenUses, onChange: () => void = () => {}) {
    this.#uses = uses;
    this.#onChange = onChange;
  }

  /** Who holds the devices. */
  get holder(): ClientNote | undefined {
    return this.#holder;
  }

  /** How many wait to hold them. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Lets a call pass that comes with the holder's token, and every call while nobody holds the devices.
   *
   * @throws {JumpstarterError} `busy`, with who holds them.
   */
  admit(token: string | undefined): void {
    if (this.#holder !== undefined && !this.isHeldBy(token)) throw busy("held by", this.#holder);
  }

  /** Whether the holder's token is this one. */
  isHeldBy(token: string | undefined): boolean {
    return this.#holder !== undefined && isSame(this.#holder.token, token);
  }

  /**
   * Holds the devices until the loop is left or the client goes.
   *
   * @throws {JumpstarterError} `busy` when somebody else uses them, and the claim neither waits nor steals.
   */
  async *hold({ name, peer, token, wait, steal, signal }: Claim): AsyncGenerator<HoldEvent> {
    const entry: Entry = { name, peer, since: new Date(), token };
    if (!wait && !steal) this.#assertFree(entry);
    const gone = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    try {
      if (steal) await this.#takeOver(entry);
      else yield* this.#waitInQueue(entry, gone, signal);
      if (signal.aborted) return;
      if (entry.thief === undefined) yield { kind: "held" };
      while (!signal.aborted && entry.thief === undefined) await Promise.race([gone, this.#change.promise]);
      if (entry.thief !== undefined) yield { kind: "lost", other: entry.thief };
    } finally {
      this.#leaveQueue(entry);
      await this.#release(entry);
    }
  }

  /** Ends when the claim's turn has come and it holds the devices, or its client has gone. */
  async *#waitInQueue(entry: Entry, gone: Promise<void>, signal: AbortSignal): AsyncGenerator<HoldEvent> {
    this.#queue.push(entry);
    this.#tell();
    let told = "";
    while (!signal.aborted) {
      // Before the look, since things may change while the client is told. While somebody holds the devices, what they
      // do with them is no news.
      const end = this.#holder === undefined ? [this.#uses.nextEnd()] : [];
      const changed = Promise.race([gone, this.#change.promise, ...end]);
      if (this.#isNext(entry)) {
        entry.since = new Date();
        this.#queue.shift();
        return this.#setHolder(entry);
      }
      const waiting = this.#waiting(entry);
      if (told !== JSON.stringify(waiting)) yield waiting;
      told = JSON.stringify(waiting);
      await changed;
    }
  }

  #assertFree(entry: Entry): void {
    if (this.#holder !== undefined) throw busy("held by", this.#holder);
    const [first] = this.#queue;
    if (first !== undefined) throw busy("waited for by", first);
    const use = this.#uses.ofOthers(entry.token);
    if (use !== undefined) throw busy(`${use.what} in use by`, use.client);
  }

  #isNext(entry: Entry): boolean {
    return this.#holder === undefined && this.#queue[0] === entry && this.#uses.ofOthers(entry.token) === undefined;
  }

  #waiting(entry: Entry): HoldEvent {
    const other = this.#holder ?? this.#uses.ofOthers(entry.token)?.client;
    return { kind: "waiting", ahead: this.#queue.indexOf(entry), other };
  }

  /**
   * Tells the holder that it has lost the devices, and breaks off what everyone else has begun. From its beginning on
   * nobody else can begin anything, so that none slips in while the others end.
   */
  async #takeOver(entry: Entry): Promise<void> {
    const { name, peer, since } = entry;
    // Its own loop may be stuck in telling a client that does not read; the devices do not wait for that.
    if (this.#holder !== undefined) this.#holder.thief = { name, peer, since };
    this.#setHolder(entry);
    await this.#uses.end({ notHeldBy: entry.token }, taken(entry));
  }

  /** The devices are free for the next only when nothing of this hold is left. */
  async #release(entry: Entry): Promise<void> {
    if (this.#holder !== entry) return;
    const reason = new JumpstarterError("cancelled", "The client that held the devices has let go of them");
    await this.#uses.end({ heldBy: entry.token }, reason);
    if (this.#holder !== entry) return; // taken over meanwhile
    this.#setHolder(undefined);
  }

  #leaveQueue(entry: Entry): void {
    const place = this.#queue.indexOf(entry);
    if (place === -1) return;
    this.#queue.splice(place, 1);
    this.#tell();
  }

  #setHolder(holder: Entry | undefined): void {
    this.#holder = holder;
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers<void>();
    resolve();
    this.#onChange();
  }
}

/** Compares in a time that does not depend on what is presented. */
function isSame(token: string, presented: string | undefined): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return presented !== undefined && timingSafeEqual(digest(token), digest(presented));
}

/** `NAME from ADDRESS since TIME`, as far as it is known. */
function describeClient({ name, peer, since }: ClientNote): string {
  return `${name === "" ? peer : `${name} from ${peer}`} since ${since.toISOString().slice(0, 19)}Z`;
}

function busy(how: string, client: ClientNote): JumpstarterError {
  return new JumpstarterError("busy", `busy: ${how} ${describeClient(client)}`);
}

function taken({ name, peer }: ClientNote): JumpstarterError {
  return new JumpstarterError(
    "busy",
    `the devices were taken over by ${name === "" ? peer : `${name} from ${peer}`}`,
  );
}
