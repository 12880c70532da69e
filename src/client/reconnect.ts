import * as pb from "../../proto/mod.ts";
import type { Caller, CallOptions } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { type Channel, throwIfAborted, tlsRefusal } from "../rpc/mod.ts";
import { waitReady } from "./wait_ready.ts";
import { pause } from "../pause.ts";

/** What happens when an exporter is gone, perhaps to come back. */
export interface ReconnectOptions {
  /**
   * How long a new call waits for an exporter that was lost to be back and ready, in milliseconds; 30,000 by default, 0
   * not at all. A call that was under way is never made again, since the device may have done it.
   */
  reconnectTimeoutMs?: number;
  /** Told when calls begin to wait, with what went wrong. */
  onReconnecting?: (reason: string) => void;
  /** Told when the exporter is back. */
  onReconnected?: () => void;
}

/** The pause between two attempts, in milliseconds. */
const pauseMs = 250;

/** The longest that a timer can wait, in milliseconds. */
const maxTimerMs = 2 ** 31 - 1;

/** Holds new calls back while the exporter is gone. */
export class Reconnection {
  readonly #channel: Channel;
  readonly #options: ReconnectOptions;
  /** The wait that is under way, for all calls that come meanwhile. */
  #waiting: Promise<void> | undefined;

  /** Watches over the calls of a channel. */
  constructor(channel: Channel, options: ReconnectOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /**
   * Waits until the exporter is there, if it was and is not. Answers the call's options, less the time that is gone.
   *
   * @throws {JumpstarterError} `connection_lost` when it does not come back in time; `timeout` or `cancelled` when the
   * call is given up before.
   */
  async ready<Options extends CallOptions>(call?: Options): Promise<Options | undefined> {
    const { reconnectTimeoutMs = 30_000 } = this.#options;
    if (!this.#channel.wasLost || reconnectTimeoutMs === 0) return call;
    const begun = Date.now();
    await inTime(this.#waiting ??= this.#wait(reconnectTimeoutMs).finally(() => this.#waiting = undefined), call);
    if (call?.timeoutMs === undefined) return call;
    return { ...call, timeoutMs: Math.max(1, call.timeoutMs - (Date.now() - begun)) };
  }

  async #wait(timeoutMs: number): Promise<void> {
    const { onReconnecting, onReconnected } = this.#options;
    const deadline = Date.now() + timeoutMs;
    for (let isTold = false;; await pause(pauseMs)) {
      try {
        await waitReady(this.#channel, { timeoutMs: Math.max(1, deadline - Date.now()) });
        if (isTold) onReconnected?.();
        return;
      } catch (error) {
        if (!isGone(error) || Date.now() >= deadline) throw error;
        if (!isTold) onReconnecting?.(error.message);
        isTold = true;
      }
    }
  }
}

/** Waits for what other calls wait for too, no longer than one call may take. */
async function inTime(waiting: Promise<void>, { signal, timeoutMs = Infinity }: CallOptions = {}): Promise<void> {
  const done = new AbortController();
  const over = pause(Math.min(timeoutMs, maxTimerMs), AbortSignal.any([done.signal, ...(signal ? [signal] : [])]));
  try {
    if (await Promise.race([waiting.then(() => true), over])) return;
  } finally {
    done.abort();
  }
  throwIfAborted(signal);
  throw new JumpstarterError("timeout", `The exporter was not back within ${timeoutMs / 1_000} s`);
}

/** How to wait for an exporter that is not up yet. */
export interface UpOptions {
  /** The most to wait, in milliseconds; without end by default. */
  timeoutMs?: number;
  /** Told once that there is something to wait for, with what is wrong so far. */
  onWaiting?: (reason: string) => void;
  /** Gives up when it fires. */
  signal?: AbortSignal;
}

/**
 * Waits until an exporter answers, ready or not.
 *
 * @throws {JumpstarterError} What is wrong with the connection when the time is over, or at once when waiting would not
 * mend it.
 */
export async function waitUntilUp(
  channel: Channel,
  { timeoutMs = Infinity, onWaiting, signal }: UpOptions,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let isTold = false;; await pause(pauseMs)) {
    try {
      return void await channel.unary(pb.ExporterService.method.getReport, {}, { signal }); // asking for the status could begin a session
    } catch (error) {
      if (!isGone(error) || Date.now() >= deadline) throw error;
      if (!isTold) onWaiting?.(error.message);
      isTold = true;
    }
  }
}

function isGone(error: unknown): error is JumpstarterError {
  if (!(error instanceof JumpstarterError) || tlsRefusal(error) !== undefined) return false;
  return error.code === "connection_lost" || error.code === "connect";
}

/** The same calls, each begun only while the exporter is there. */
export function reconnecting(caller: Caller, reconnection: Reconnection): Caller {
  return {
    async call(method, args, options) {
      return await caller.call(method, args, await reconnection.ready(options));
    },
    async *callStream(method, args, options) {
      yield* caller.callStream(method, args, await reconnection.ready(options));
    },
    async openStream(method, options) {
      return await caller.openStream(method, await reconnection.ready(options));
    },
    async upload(source, use, options) {
      return await caller.upload(source, use, await reconnection.ready(options));
    },
    async download(sink, use, options) {
      return await caller.download(sink, use, await reconnection.ready(options));
    },
  };
}
