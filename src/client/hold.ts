import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { type Channel, holdKey } from "../rpc/mod.ts";

/** Another client, as the exporter knows it. */
export interface OtherClient {
  /** What it calls itself; empty where it does not say. */
  readonly name: string;
  /** Where it is. */
  readonly address: string;
  /** Since when it holds or uses the devices. */
  readonly since?: Date;
}

/** How to hold an exporter's devices. */
export interface HoldOptions {
  /** What this client calls itself, for others to read. */
  name: string;
  /** Wait for so many milliseconds until the devices are free; not at all by default, and for ever with `Infinity`. */
  waitMs?: number;
  /** Take them from whoever uses them. */
  steal?: boolean;
  /** What goes with the calls of this client; one that nobody can guess by default. */
  token?: string;
  /** Told who is in the way, and how many wait before this client. */
  onWaiting?: (other: OtherClient | undefined, ahead: number) => void;
  /** Told when another client has taken the devices. */
  onLost?: (other: OtherClient) => void;
  /** Gives up when it fires. */
  signal?: AbortSignal;
}

/** Devices that nobody else may use until it is disposed of. */
export interface Hold extends AsyncDisposable {
  /** What goes with the calls of this client, by whichever connection they come. */
  readonly token: string;
}

/**
 * Holds the devices of an exporter, and takes them again by itself when the connection was lost meanwhile.
 *
 * @throws {JumpstarterError} `busy` when somebody else uses them, `timeout` when they did not become free in time,
 * `unimplemented` when the exporter is none of this project's.
 */
export async function holdDevices(channel: Channel, options: HoldOptions): Promise<Hold> {
  const { token = crypto.randomUUID(), waitMs = 0 } = options;
  channel.present(holdKey, token);
  const released = new AbortController();
  const late = new AbortController();
  const timer = waitMs > 0 && waitMs < longestTimerMs ? setTimeout(() => late.abort(), waitMs) : undefined;
  const signals = [released.signal, late.signal, ...(options.signal === undefined ? [] : [options.signal])];
  try {
    const claim = await take(channel, { ...options, token }, waitMs > 0, AbortSignal.any(signals));
    const over = options.signal === undefined ? released.signal : AbortSignal.any([released.signal, options.signal]);
    const kept = keep(channel, claim, { ...options, token }, over);
    return {
      token,
      async [Symbol.asyncDispose]() {
        released.abort();
        await kept;
      },
    };
  } catch (error) {
    if (!late.signal.aborted || options.signal?.aborted) throw named(error);
    throw new JumpstarterError("timeout", `The devices did not become free within ${waitMs / 1_000} s`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The timer of JavaScript goes no further; about 24 days. */
const longestTimerMs = 2 ** 31 - 1;

/** The pause before a lost hold is taken again, in milliseconds. */
const againAfterMs = 1_000;

/** What the exporter answers a claim with, from the moment when it holds. */
type Claim = AsyncIterator<pb.HoldResponse>;

async function take(
  channel: Channel,
  { name, steal = false, token = "", onWaiting }: HoldOptions,
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
  for (let claim = first;;) {
    try {
      const { value } = await claim.next();
      if (value?.other !== undefined) options.onLost?.(toOther(value.other));
      return;
    } catch {
      // The exporter is gone, perhaps to come back.
    }
    const again = await takeAgain(channel, options, released);
    if (again === undefined) return;
    claim = again;
  }
}

async function takeAgain(channel: Channel, options: HoldOptions, released: AbortSignal): Promise<Claim | undefined> {
  while (!released.aborted) {
    try {
      return await take(channel, { ...options, steal: false, onWaiting: undefined }, true, released);
    } catch {
      await pause(againAfterMs, released);
    }
  }
  return undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function named(error: unknown): unknown {
  if (!(error instanceof JumpstarterError) || error.code !== "unimplemented") return error;
  return new JumpstarterError("unimplemented", "This exporter cannot be held: it is another implementation's", {
    hint: "leave out --exclusive",
    cause: error,
  });
}

function toOther({ name, address, since }: pb.Client): OtherClient {
  return { name, address, since: since === undefined ? undefined : pb.timestampDate(since) };
}
