import type { DriverDefinition, StartContext } from "../driver/mod.ts";
import { DriverError, JumpstarterError } from "../errors.ts";
import { refusedAccess } from "./refused_access.ts";

/** How long things take around the start of a driver; a test has less patience. */
export interface StartTimes {
  /** How long a driver may take to start or to close, in milliseconds, before the others go on without it. */
  readonly limitMs: number;
  /** The pause before a failed start is tried again, in milliseconds; it doubles from the first to the most. */
  readonly retryPause: { readonly firstMs: number; readonly mostMs: number };
}

const usualTimes: StartTimes = { limitMs: 30_000, retryPause: { firstMs: 1_000, mostMs: 60_000 } };

/** How long an attempt that is under way when the driver is stopped may take to end. */
const lastAttemptMs = 2_000;

/** What is to run in a slot. */
export interface SlotParts {
  readonly definition: DriverDefinition;
  /** What its schema made of the config. */
  readonly settings: unknown;
  readonly context: StartContext;
  /** The exporter is of no use without it. */
  readonly isRequired: boolean;
  readonly times?: StartTimes;
  /** Fires when the exporter is to stop: no start is waited for then. */
  readonly stopping?: AbortSignal;
  /** Fires when it is to stop at once: nothing is waited for then. */
  readonly forced?: AbortSignal;
  /** Told why the driver does not run whenever that changes; of nothing when it runs. */
  readonly onFault?: (fault: string | undefined) => void;
}

/**
 * A driver's place: its device while it runs, and why there is none while it does not. A driver that cannot start is
 * tried again in the background until it can.
 */
export class DriverSlot implements AsyncDisposable {
  readonly #parts: SlotParts;
  readonly #times: StartTimes;
  #running: { readonly device: unknown } | undefined;
  #fault: string | undefined;
  #cause: unknown;
  /** The latest attempt. */
  #attempt = Promise.resolve();
  #pauseMs: number;
  /** What is done about it that the driver does not run. */
  #outlook = "it is tried again";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** Makes an empty slot. */
  constructor(parts: SlotParts) {
    this.#parts = parts;
    this.#times = parts.times ?? usualTimes;
    this.#pauseMs = this.#times.retryPause.firstMs;
  }

  /**
   * Starts the driver. Returns when it runs, is known not to for the time being, or the exporter is to stop.
   *
   * @throws {DriverError} when it cannot start and is required.
   */
  async start(): Promise<void> {
    const { stopping } = this.#parts;
    if (!stopping?.aborted) {
      this.#attempt = this.#try();
      await within(this.#times.limitMs, this.#attempt, stopping);
    }
    if (this.#running !== undefined) return;
    if (stopping?.aborted) return void (this.#fault ??= "the exporter is stopping");
    if (this.#fault === undefined) {
      this.#fault = `it has not started within ${this.#times.limitMs / 1_000} s`;
      this.#outlook = "it joins when it has started"; // a second attempt could be in the way of the first
      this.#parts.onFault?.(this.#fault);
    }
    const { definition: { type }, context: { path, log }, isRequired } = this.#parts;
    const message = `Cannot start the driver "${path}" (${type}): ${this.#fault}`;
    const hint = this.#cause instanceof JumpstarterError ? this.#cause.hint : undefined;
    if (isRequired) throw new DriverError("driver", message, { driver: path, hint, cause: this.#cause });
    log.error(`${message}${hint === undefined ? "" : ` (${hint})`}; ${this.#outlook}`);
  }

  /** Why the driver does not run; nothing while it does. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /**
   * What the driver's `start` returned.
   *
   * @throws {DriverError} while it does not run.
   */
  get device(): unknown {
    if (this.#running !== undefined) return this.#running.device;
    const { path } = this.#parts.context;
    const outlook = this.#isStopped ? "" : ` (${this.#outlook})`;
    throw new DriverError("driver", `The driver "${path}" does not run${outlook}: ${this.#fault}`, { driver: path });
  }

  /** Stops the driver, or the attempts to start it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const running = this.#running;
    this.#running = undefined;
    this.#fault = "it has been stopped";
    if (running === undefined) await within(lastAttemptMs, this.#attempt, this.#parts.forced);
    else await this.#close(running.device);
  }

  async #try(): Promise<void> {
    const { definition, settings, context: { path, log }, context } = this.#parts;
    try {
      const device = await definition.start(settings, context);
      if (this.#isStopped) return await this.#close(device);
      this.#running = { device };
      if (this.#fault === undefined) return;
      log.info(`The driver "${path}" runs now`);
      this.#fault = undefined;
      this.#parts.onFault?.(undefined);
    } catch (error) {
      if (this.#isStopped) return;
      const access = refusedAccess(error);
      const said = error instanceof Error ? error.message : String(error);
      const fault = access === undefined ? said : `it is not allowed ${access}`;
      const isNews = this.#fault !== undefined && this.#fault !== fault;
      if (isNews) log.warning(`The driver "${path}" still does not run: ${fault}`);
      if (this.#fault !== fault) this.#parts.onFault?.(fault);
      this.#fault = fault;
      this.#cause = error;
      this.#outlook = "it is tried again";
      this.#timer = setTimeout(() => this.#attempt = this.#try(), this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, this.#times.retryPause.mostMs);
    }
  }

  /** Disposes of the device. That this fails is for the log: nobody else could do anything about it. */
  async #close(device: unknown): Promise<void> {
    const { context: { path, log }, forced } = this.#parts;
    const close = async () => {
      try {
        if (isAsyncDisposable(device)) await device[Symbol.asyncDispose]();
        else if (isDisposable(device)) device[Symbol.dispose]();
      } catch (error) {
        log.error(`Cannot stop the driver "${path}": ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    if (await within(this.#times.limitMs, close(), forced)) return;
    log.warning(`The driver "${path}" has not stopped, and is not waited for any longer`);
  }
}

function isAsyncDisposable(device: unknown): device is AsyncDisposable {
  return typeof device === "object" && device !== null && Symbol.asyncDispose in device;
}

function isDisposable(device: unknown): device is Disposable {
  return typeof device === "object" && device !== null && Symbol.dispose in device;
}

/**
 * Waits for a promise that does not reject, but no longer than `limitMs`, and not once `hurry` has fired. Says whether it
 * has settled.
 */
async function within(limitMs: number, promise: Promise<void>, hurry?: AbortSignal): Promise<boolean> {
  const limit = Promise.withResolvers<false>();
  const end = () => limit.resolve(false);
  const timer = setTimeout(end, hurry?.aborted ? 0 : limitMs); // what takes no time has its turn
  hurry?.addEventListener("abort", end);
  const isSettled = await Promise.race([promise.then(() => true), limit.promise]);
  clearTimeout(timer);
  hurry?.removeEventListener("abort", end);
  return isSettled;
}
