import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { type Channel, holdKey } from "../rpc/mod.ts";
import { pause } from "../pause.ts";

/** Another client, as the exporter knows it. */
export interface OtherClient {
  /** What it calls itself; empty where it does not say. */
  readonly name: string;
  /** Where it is. */
  readonly address: string;
  /** Since when it holds or uses the devices. */
  readonly since?: Date;
}

/** How to come to have an exporter's devices to oneself. */
export interface ExclusiveOptions {
  /** What this client calls itself, for others to read; nothing by default, which leaves its address. */
  name?: string;
  /** Wait for so many milliseconds until the devices are free; not at all by default, and for ever with `Infinity`. */
  waitMs?: number;
  /** Take them from whoever uses them. */
  steal?: boolean;
  /** Only where the exporter's config asks its clients to. */
  ifAsked?: boolean;
  /** Told who is in the way, and how many wait before this client. */
  onWaiting?: (other: OtherClient | undefined, ahead: number) => void;
  /** Told when another client has taken the devices. */
  onLost?: (other: OtherClient) => void;
}

/** How to hold an exporter's devices. */
export interface HoldOptions extends Omit<ExclusiveOptions, "ifAsked"> {
  /** What goes with the calls of this client; one that nobody can guess by default. */
  token?: string;
  /** Gives up when it fires, unless the devices are held by then. */
  signal?: AbortSignal;
}

/** Devices that nobody else may use until it is disposed of. */
export interface Hold extends AsyncDisposable {
  /** What goes with the calls of this client, by whichever connection they come. */
  readonly token: string;
}

/**
 * Holds the devices of an exporter, and takes them again by itself when the connection was lost meanwhile. The hold
 * ends with the channel.
 *
 * @throws {JumpstarterError} `busy` when somebody else uses them, `timeout` when they did not become free in time,
 * `unimplemented` when the exporter is none of this project's.
 */
export async function holdDevices(channel: Channel, options: HoldOptions): Promise<Hold> {
  const { token = crypto.randomUUID(), waitMs = 0, signal } = options;
  channel.present(holdKey, token);
  const released = new AbortController();
  const release = () => released.abort();
  channel.closed.addEventListener("abort", release, { once: true });
  signal?.addEventListener("abort", release, { once: true });
  if (signal?.aborted) release();
  let isLate = false, inTheWay: OtherClient | undefined;
  const onLate = () => {
    isLate = true;
    release();
  };
  const timer = waitMs > 0 && waitMs < longestTimerMs ? setTimeout(onLate, waitMs) : undefined;
  const onWaiting: HoldOptions["onWaiting"] = (other, ahead) => {
    inTheWay = other;
    options.onWaiting?.(other, ahead);
  };
  try {
    const claim = await take(channel, { ...options, token, onWaiting }, waitMs > 0, released.signal);
    const kept = keep(channel, claim, { ...options, token }, released.signal);
    return {
      token,
      async [Symbol.asyncDispose]() {
        release();
        await kept;
      },
    };
  } catch (error) {
    if (!isLate) throw named(error);
    throw new JumpstarterError("timeout", "The devices did not become free in time", {
      hint: inTheWay === undefined ? undefined : `they are with ${describeOther(inTheWay)}`,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", release);
  }
}

/** `NAME from ADDRESS since TIME`, as far as it is known. */
export function describeOther({ name, address, since }: OtherClient): string {
  const who = name === "" ? address : `${name} from ${address}`;
  return since === undefined ? who : `${who} since ${since.toISOString().slice(0, 19)}Z`;
}

/** The timer of JavaScript goes no further; about 24 days. */
const longestTimerMs = 2 ** 31 - 1;

/** The pause before a lost hold is taken again, in milliseconds. */
const againAfterMs = 1_000;

/** What the exporter answers a claim with, from the moment when it holds. */
type Claim = AsyncIterator<pb.HoldResponse>;

async function take(
  channel: Channel,
  { name = "", steal = false, token = "", onWaiting }: HoldOptions,
  wait: boolean,
  signal: AbortSignal,
): Promise<Claim> {
  const responses = channel.serverStream(pb.DirectService.method.hold, { name, token, wait, steal }, { signal });
  const claim = responses[Symbol.asyncIterator]();
  for (let next = await claim.next(); !next.done; next = await claim.next()) {
    if (next.value.state === pb.HoldState.HELD) return claim;
    onWaiting?.(next.value.other && toOther(next.value.other), next.value.ahead);
  }
  throw new JumpstarterError("busy", "The exporter has refused to give the devices to this client");
}

/** Reads on until another client takes the devices, or they are let go; a hold that broke off is taken again. */
async function keep(channel: Channel, first: Claim, options: HoldOptions, released: AbortSignal): Promise<void> {
  for (let claim: Claim | undefined = first; claim !== undefined;) {
    try {
      const { value } = await claim.next();
      if (value?.state === pb.HoldState.LOST) {
        return options.onLost?.(value.other === undefined ? { name: "", address: "elsewhere" } : toOther(value.other));
      }
    } catch {
      // The exporter is gone, perhaps to come back.
    }
    claim = await takeAgain(channel, options, released);
  }
}

async function takeAgain(channel: Channel, options: HoldOptions, released: AbortSignal): Promise<Claim | undefined> {
  while (!released.aborted) {
    try {
      return await take(channel, { ...options, steal: false }, true, released);
    } catch {
      // The client's own calls tell what is wrong; with the exporter back the hold is, too.
      await pause(againAfterMs, released);
    }
  }
  return undefined;
}

function named(error: unknown): unknown {
  if (!(error instanceof JumpstarterError) || error.code !== "unimplemented") return error;
  return new JumpstarterError("unimplemented", "This exporter cannot be held: it is another implementation's", {
    hint: "use it without exclusive and steal",
    cause: error,
  });
}

/** A client as the exporter names it. */
export function toOther({ name, address, since }: pb.Client): OtherClient {
  return { name, address, since: since === undefined ? undefined : pb.timestampDate(since) };
}
