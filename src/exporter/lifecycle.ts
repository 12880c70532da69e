/**
 * The life of an exporter's sessions, as a table: in which state what happens next, and what clients see of it.
 *
 * | state                      | event                      | next state                 | message that clients read      |
 * | -------------------------- | -------------------------- | -------------------------- | ------------------------------ |
 * | `AVAILABLE`                | start; with `scope: session` the first client | `BEFORE_LEASE_HOOK` | which hook runs    |
 * | `AVAILABLE`                | stop                       | `OFFLINE`                  | `The exporter has stopped`     |
 * | `BEFORE_LEASE_HOOK`        | hook succeeded, or none    | `LEASE_READY`              | `Ready for commands`           |
 * | `BEFORE_LEASE_HOOK`        | hook failed, `warn`        | `LEASE_READY`              | `[HOOK_WARNING] ` and the reason |
 * | `BEFORE_LEASE_HOOK`        | hook failed, `endLease`    | `BEFORE_LEASE_HOOK_FAILED` | the reason                     |
 * | `BEFORE_LEASE_HOOK_FAILED` | next client, after a pause | `BEFORE_LEASE_HOOK`        | which hook runs                |
 * | `BEFORE_LEASE_HOOK_FAILED` | the pause is over, `scope: session` | `AVAILABLE`       | `Waiting for a client`         |
 * | `BEFORE_LEASE_HOOK`        | hook failed, `exit`        | `BEFORE_LEASE_HOOK_FAILED` | the reason; then the end       |
 * | `BEFORE_LEASE_HOOK`        | stop; last client gone, `scope: session` | `AFTER_LEASE_HOOK` | which hook runs          |
 * | `LEASE_READY`              | the same, or `EndSession`  | `AFTER_LEASE_HOOK`         | which hook runs                |
 * | `AFTER_LEASE_HOOK`         | hook succeeded, or none    | `AVAILABLE` or `OFFLINE`   | what comes next                |
 * | `AFTER_LEASE_HOOK`         | hook failed, `warn`        | `AVAILABLE` or `OFFLINE`   | `[HOOK_WARNING] ` and the reason |
 * | `AFTER_LEASE_HOOK`         | hook failed, `endLease`    | `AFTER_LEASE_HOOK_FAILED`  | the reason; then `AVAILABLE` or `OFFLINE` |
 * | `AFTER_LEASE_HOOK`         | hook failed, `exit`        | `AFTER_LEASE_HOOK_FAILED`  | the reason; then the end       |
 *
 * `AVAILABLE` goes on to `BEFORE_LEASE_HOOK` by itself, or with the next client, so that no state is left by a restart
 * only. Between `LEASE_READY` and what comes after it, the calls of clients end, so that a hook has the devices alone.
 */
import { ExporterStatus } from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { PresenceListener } from "./client_presence.ts";
import type { BeforeLease, LifecycleParts, LifecycleTimes } from "./lifecycle_parts.ts";

/** Why the lifecycle ended. */
export type LifecycleEnd = { readonly kind: "stopped" } | { readonly kind: "hookFailed"; readonly reason: string };

/** Whether a session can go on after its beginning; `beforeLease` is unset where there is no such hook. */
type BeginEnd =
  | { readonly kind: "go"; readonly beforeLease?: BeforeLease }
  | { readonly kind: "exit"; readonly reason: string }
  | { readonly kind: "endLease"; readonly reason: string };

/** A client that waits asks several times a second; one that has asked within three is there to read a last word. */
const usualTimes: LifecycleTimes = {
  retryPause: { firstMs: 1_000, mostMs: 60_000 },
  lastWord: { withinMs: 3_000, limitMs: 5_000 },
};

const waitingForClient = "Waiting for a client";

/** Whether the exporter can go on after a session's end. */
type FinishEnd =
  | { readonly kind: "go"; readonly warning?: string }
  | { readonly kind: "exit"; readonly reason: string };

/** One session from its beginning; `name` is that of its client. */
interface LiveSession {
  readonly clientName: string;
  readonly over: AbortController;
}

/** Runs the sessions of one exporter, one after the other. */
export class Lifecycle implements PresenceListener {
  readonly #parts: LifecycleParts;
  readonly #times: LifecycleTimes;
  /** The latest session. */
  #session: LiveSession = { clientName: "", over: new AbortController() };
  #sessionEnded = Promise.withResolvers<string>();
  /** Begins the session of a client, where one is waited for. */
  #onClient: ((name: string) => void) | undefined;

  /** Makes a lifecycle that has not begun. */
  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#times = parts.times ?? usualTimes;
  }

  /** Ends the present session; answers when the exporter is ready for the next, or has ended. */
  endSession(): Promise<string> {
    const { status, message } = this.#parts.status.current;
    // There is none, and what comes next waits for a client that may never come.
    if (status === ExporterStatus.BEFORE_LEASE_HOOK_FAILED || this.#onClient !== undefined) {
      return Promise.resolve(message);
    }
    if (status === ExporterStatus.LEASE_READY) this.#session.over.abort();
    return this.#sessionEnded.promise;
  }

  /** Begins the session of a client, where one is waited for: before anything else is done for the client. */
  clientCalls(name: string): void {
    this.#onClient?.(name);
  }

  /** Ends the session, where it is that of the clients. */
  clientsGone(): void {
    if (this.#parts.hooks.scope === "session") this.#session.over.abort();
  }

  /** Runs sessions until the exporter is stopped or a hook ends it. */
  async run(): Promise<LifecycleEnd> {
    const { hooks, stopping, exitOnLeaseEnd, onSessionOver } = this.#parts;
    const { retryPause } = this.#times;
    const isPerClient = hooks.scope === "session";
    let retryPauseMs = retryPause.firstMs;
    let message = waitingForClient;
    while (true) {
      const before = isPerClient ? await this.#nextSession(message) : await this.#begin("");
      if (before === undefined) return this.#stopped();
      if (before.kind === "exit") return await this.#lastWord(before.reason);
      if (before.kind !== "go") {
        message = waitingForClient;
        this.#answerEndSession(before.reason);
        await this.#retryTime(retryPauseMs);
        if (stopping.aborted) return this.#stopped();
        retryPauseMs = Math.min(2 * retryPauseMs, retryPause.mostMs);
        continue;
      }
      retryPauseMs = retryPause.firstMs;
      await firstOf([stopping, this.#session.over.signal]);
      const after = await this.#finish(before.beforeLease);
      if (after.kind === "exit") return await this.#lastWord(after.reason);
      if (stopping.aborted || exitOnLeaseEnd) return this.#stopped(after.warning);
      onSessionOver?.();
      message = after.warning ??
        `The session has ended; ${isPerClient ? "waiting for a client" : "preparing the next"}`;
      if (!isPerClient) this.#parts.status.set(ExporterStatus.AVAILABLE, message);
    }
  }

  /** Waits for a client and begins its session; nothing when the exporter is stopped instead. */
  async #nextSession(message: string): Promise<BeginEnd | undefined> {
    const { status, stopping, onReady } = this.#parts;
    if (stopping.aborted) return undefined;
    status.set(ExporterStatus.AVAILABLE, message);
    const begun = new Promise<BeginEnd>((resolve) => {
      this.#onClient = (name) => {
        this.#onClient = undefined;
        resolve(this.#begin(name));
      };
    });
    this.#answerEndSession(message);
    onReady();
    await firstOf([stopping], begun);
    if (this.#onClient === undefined) return await begun; // the stop ends a beforeLease that runs
    this.#onClient = undefined;
    return undefined;
  }

  /** Runs beforeLease and sets what clients see of it. */
  async #begin(clientName: string): Promise<BeginEnd> {
    const { hooks: { beforeLease: hook }, status, runHook, stopping } = this.#parts;
    const session = { clientName, over: new AbortController() };
    this.#session = session;
    if (hook === undefined) {
      this.#ready("Ready for commands");
      return { kind: "go" };
    }
    status.set(ExporterStatus.BEFORE_LEASE_HOOK, "The beforeLease hook is running");
    const { outcome, reason } = await runHook("beforeLease", hook, { clientName, ended: session.over.signal });
    if (outcome.kind === "ok") {
      this.#ready("Ready for commands");
      return { kind: "go", beforeLease: "ok" };
    }
    if (stopping.aborted || session.over.signal.aborted) return { kind: "go", beforeLease: "interrupted" };
    if (hook.onFailure === "warn") {
      this.#ready(`[HOOK_WARNING] ${reason}`);
      return { kind: "go", beforeLease: "failed" };
    }
    status.set(ExporterStatus.BEFORE_LEASE_HOOK_FAILED, reason);
    return { kind: hook.onFailure, reason };
  }

  /** Ends the calls of clients and runs afterLease; answers whether the exporter can go on, and a warning for then. */
  async #finish(beforeLease: BeforeLease | undefined): Promise<FinishEnd> {
    const { hooks: { afterLease: hook }, status, runHook, stopping, exitOnLeaseEnd, endCalls } = this.#parts;
    const { clientName, over } = this.#session;
    const isLast = stopping.aborted || exitOnLeaseEnd;
    if (hook === undefined) {
      if (isLast) return { kind: "go" }; // all that runs ends with the exporter
      status.set(ExporterStatus.AVAILABLE, "The session is ending");
      await endCalls(sessionOver());
      return { kind: "go" };
    }
    status.set(ExporterStatus.AFTER_LEASE_HOOK, "The afterLease hook is running");
    await endCalls(isLast ? exporterStops() : sessionOver());
    const { outcome, reason } = await runHook("afterLease", hook, { clientName, beforeLease, ended: over.signal });
    if (outcome.kind === "ok") return { kind: "go" };
    if (hook.onFailure === "warn") return { kind: "go", warning: `[HOOK_WARNING] ${reason}` };
    status.set(ExporterStatus.AFTER_LEASE_HOOK_FAILED, reason);
    return hook.onFailure === "exit" ? { kind: "exit", reason } : { kind: "go" };
  }

  #ready(message: string): void {
    const { hooks, status, onReady } = this.#parts;
    status.set(ExporterStatus.LEASE_READY, message);
    if (hooks.scope === "session") return; // its end is answered when the next client is waited for
    this.#answerEndSession(message);
    onReady();
  }

  /** Answers those who have ended a session and wait for what comes of it. */
  #answerEndSession(message: string): void {
    this.#sessionEnded.resolve(message);
    this.#sessionEnded = Promise.withResolvers<string>();
  }

  #stopped(message = "The exporter has stopped"): LifecycleEnd {
    this.#parts.status.set(ExporterStatus.OFFLINE, message);
    this.#sessionEnded.resolve(message);
    return { kind: "stopped" };
  }

  async #lastWord(reason: string): Promise<LifecycleEnd> {
    await this.#parts.status.readByAll(this.#times.lastWord);
    this.#sessionEnded.resolve(reason);
    return { kind: "hookFailed", reason };
  }

  /** The pause, and then a client that wants it, which with the scope of a session is waited for anyway; or the stop. */
  async #retryTime(pauseMs: number): Promise<void> {
    const { hooks, stopping, nextClient } = this.#parts;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pause = new Promise<void>((resolve) => timer = setTimeout(resolve, pauseMs));
    const wanted = hooks.scope === "session" ? pause : Promise.all([pause, nextClient()]);
    await firstOf([stopping], wanted);
    clearTimeout(timer);
  }
}

/** What the caller of a call is told that the end of its session ends. */
function sessionOver(): JumpstarterError {
  return new JumpstarterError("not_ready", "the session has ended");
}

/** What the caller of a call is told that the end of the exporter ends. */
export function exporterStops(): JumpstarterError {
  return new JumpstarterError("connection_lost", "the exporter is stopping");
}

/** Waits until one of the signals fires or `other` settles, and leaves no listener behind. */
async function firstOf(signals: readonly AbortSignal[], other?: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const fire = () => resolve();
  for (const signal of signals) signal.addEventListener("abort", fire);
  if (signals.some(({ aborted }) => aborted)) fire();
  other?.then(fire, fire);
  await promise;
  for (const signal of signals) signal.removeEventListener("abort", fire);
}
