import { isIPv6 } from "node:net";

/** How failed logins slow an address down. */
export interface LoginDelayOptions {
  /** How many failures cost nothing: everyone mistypes. */
  readonly freeFailures: number;
  /** The first delay, in milliseconds; each further failure doubles it. */
  readonly firstMs: number;
  /** The longest delay, in milliseconds. */
  readonly longestMs: number;
  /** How long an attempt may have to wait for its turn, in milliseconds; others are refused at once. */
  readonly longestWaitMs: number;
  /** How long after its last failure an address is as good as new, in milliseconds. */
  readonly forgottenAfterMs: number;
  /** How many addresses are remembered; the one whose failure is oldest is forgotten first. */
  readonly maxAddresses: number;
}

const defaults: LoginDelayOptions = {
  freeFailures: 5,
  firstMs: 100,
  longestMs: 2_000,
  longestWaitMs: 10_000,
  forgottenAfterMs: 60_000,
  maxAddresses: 1_000,
};

/** What is remembered of an address with failures. */
interface Failures {
  count: number;
  lastAt: number;
  /** When the next attempt may be looked at. */
  freeAt: number;
}

/**
 * Slows down who fails to log in, each address for itself: the attempts that come from it are looked at one after the
 * other, with a pause between them that grows.
 */
export class LoginDelay {
  readonly #options: LoginDelayOptions;
  readonly #now: () => number;
  readonly #addresses = new Map<string, Failures>();

  /** Begins without failures. */
  constructor(options: Partial<LoginDelayOptions> = {}, now: () => number = () => performance.now()) {
    this.#options = { ...defaults, ...options };
    this.#now = now;
  }

  /**
   * How long an attempt from a peer has to wait until it may be looked at, in milliseconds; nothing when it is not
   * to be looked at at all, since too many wait already.
   */
  turn(peer: string): number | undefined {
    const now = this.#now();
    const known = this.#recall(addressOf(peer), now);
    if (known === undefined || known.count < this.#options.freeFailures) return 0;
    const at = Math.max(now, known.freeAt);
    if (at - now > this.#options.longestWaitMs) return undefined;
    known.freeAt = at + this.#pauseMs(known);
    return at - now;
  }

  /** Notes a failure. */
  failed(peer: string): void {
    const now = this.#now();
    const address = addressOf(peer);
    const known = this.#recall(address, now) ?? { count: 0, lastAt: now, freeAt: now };
    known.count++;
    known.lastAt = now;
    if (known.count === this.#options.freeFailures) known.freeAt = now + this.#pauseMs(known);
    // The map's order is that of the last failures.
    this.#addresses.delete(address);
    this.#addresses.set(address, known);
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > this.#options.maxAddresses && oldest !== undefined) this.#addresses.delete(oldest);
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#addresses.size;
  }

  #recall(address: string, now: number): Failures | undefined {
    const known = this.#addresses.get(address);
    if (known === undefined || now - known.lastAt < this.#options.forgottenAfterMs) return known;
    this.#addresses.delete(address);
    return undefined;
  }

  #pauseMs({ count }: Failures): number {
    const { freeFailures, firstMs, longestMs } = this.#options;
    return Math.min(longestMs, firstMs * 2 ** Math.min(count - freeFailures, 30));
  }
}

/** What failures count against: an IPv4 address, or the network of an IPv6 one, whose owner has many. */
function addressOf(peer: string): string {
  const address = peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = [...head.split(":"), ...new Array<string>(8).fill(tail === undefined ? "" : "0")];
  return groups.slice(0, 4).join(":");
}
