/**
 * The life of an exporter's sessions, as a table: in which state what happens next, and what clients see of it.
 *
 * | state                      | event                      | next state                 | message that clients read      |
 * | -------------------------- | -------------------------- | -------------------------- | ------------------------------ |
 * | `AVAILABLE`                | start                      | `BEFORE_LEASE_HOOK`        | which hook runs                |
 * | `BEFORE_LEASE_HOOK`        | hook succeeded, or none    | `LEASE_READY`              | `Ready for commands`           |
 * | `BEFORE_LEASE_HOOK`        | hook failed, `warn`        | `LEASE_READY`              | `[HOOK_WARNING] ` and the reason |
 * | `BEFORE_LEASE_HOOK`        | hook failed, `endLease`    | `BEFORE_LEASE_HOOK_FAILED` | the reason                     |
 * | `BEFORE_LEASE_HOOK_FAILED` | next client, after a pause | `BEFORE_LEASE_HOOK`        | which hook runs                |
 * | `BEFORE_LEASE_HOOK`        | hook failed, `exit`        | `BEFORE_LEASE_HOOK_FAILED` | the reason; then the end       |
 * | `BEFORE_LEASE_HOOK`        | stop                       | `AFTER_LEASE_HOOK`         | which hook runs                |
 * | `LEASE_READY`              | stop, `EndSession`         | `AFTER_LEASE_HOOK`         | which hook runs                |
 * | `AFTER_LEASE_HOOK`         | hook succeeded, or none    | `AVAILABLE` or `OFFLINE`   | what comes next                |
 * | `AFTER_LEASE_HOOK`         | hook failed, `warn`        | `AVAILABLE` or `OFFLINE`   | `[HOOK_WARNING] ` and the reason |
 * | `AFTER_LEASE_HOOK`         | hook failed, `endLease`    | `AFTER_LEASE_HOOK_FAILED`  | the reason; then `AVAILABLE` or `OFFLINE` |
 * | `AFTER_LEASE_HOOK`         | hook failed, `exit`        | `AFTER_LEASE_HOOK_FAILED`  | the reason; then the end       |
 *
 * `AVAILABLE` goes on to `BEFORE_LEASE_HOOK` by itself, so that no state is left by a restart only.
 */
import { ExporterStatus } from "../../proto/mod.ts";
import type { HookConfig } from "../config/mod.ts";
import type { HookOutcome } from "../hooks/mod.ts";
import type { StatusBoard } from "./status_board.ts";

/** The name of a hook, as the config has it. */
export type HookName = "beforeLease" | "afterLease";

/** How beforeLease went, as afterLease is told. */
export type BeforeLease = "ok" | "failed" | "interrupted";

/** What the lifecycle acts on. */
export interface LifecycleParts {
  readonly hooks: { readonly beforeLease?: HookConfig; readonly afterLease?: HookConfig };
  readonly status: StatusBoard;
  /** Runs a hook until its end; `reason` says in one line how it ended. */
  readonly runHook: (
    name: HookName,
    hook: HookConfig,
    beforeLease: BeforeLease | undefined,
  ) => Promise<{ outcome: HookOutcome; reason: string }>;
  /** Fires when the exporter is to stop. */
  readonly stopping: AbortSignal;
  /** Waits for the next client to connect, or for the stop. */
  readonly nextClient: () => Promise<void>;
  /** The exporter ends with its first session. */
  readonly exitOnLeaseEnd: boolean;
  /** Called whenever clients may call drivers. */
  readonly onReady: () => void;
  /** Called when a session ends, before afterLease, whose devices are its own. */
  readonly onSessionEnd?: () => void;
  /** How long things take; a test has less patience. */
  readonly times?: LifecycleTimes;
}

/** How long the lifecycle waits. */
export interface LifecycleTimes {
  /** A failed beforeLease is tried again for the next client, after a pause that doubles from the first to the most. */
  readonly retryPause: { readonly firstMs: number; readonly mostMs: number };
  /** Who is waited for with a last word: clients that have asked within one time, for another at most. */
  readonly lastWord: { readonly withinMs: number; readonly limitMs: number };
}

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

/** Whether the exporter can go on after a session's end. */
type FinishEnd =
  | { readonly kind: "go"; readonly warning?: string }
  | { readonly kind: "exit"; readonly reason: string };

/** Runs the sessions of one exporter, one after the other. */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #times: LifecycleTimes;
  #endSession = Promise.withResolvers<void>();
  #sessionEnded = Promise.withResolvers<string>();

  /** Makes a lifecycle that has not begun. */
  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#times = parts.times ?? usualTimes;
  }

  /** Ends the present session; answers when the exporter is ready for the next, or has ended. */
  endSession(): Promise<string> {
    const { status, message } = this.#parts.status.current;
    // There is none, and what comes next waits for a client that may never come.
    if (status === ExporterStatus.BEFORE_LEASE_HOOK_FAILED) return Promise.resolve(message);
    const { promise } = this.#sessionEnded;
    this.#endSession.resolve();
    return promise;
  }

  /** Runs sessions until the exporter is stopped or a hook ends it. */
  async run(): Promise<LifecycleEnd> {
    const { stopping, exitOnLeaseEnd, status } = this.#parts;
    const { retryPause } = this.#times;
    let retryPauseMs = retryPause.firstMs;
    while (true) {
      const before = await this.#begin();
      if (before.kind === "exit") return await this.#lastWord(before.reason);
      if (before.kind !== "go") {
        this.#answerEndSession(before.reason);
        await this.#retryTime(retryPauseMs);
        if (stopping.aborted) return this.#stopped();
        retryPauseMs = Math.min(2 * retryPauseMs, retryPause.mostMs);
        continue;
      }
      retryPauseMs = retryPause.firstMs;
      if (!stopping.aborted) await Promise.race([aborted(stopping), this.#endSession.promise]);
      const after = await this.#finish(before.beforeLease);
      if (after.kind === "exit") return await this.#lastWord(after.reason);
      if (stopping.aborted || exitOnLeaseEnd) return this.#stopped(after.warning);
      status.set(ExporterStatus.AVAILABLE, after.warning ?? "The session has ended; preparing the next");
    }
  }

  /** Runs beforeLease and sets what clients see of it. */
  async #begin(): Promise<BeginEnd> {
    const { hooks: { beforeLease: hook }, status, runHook, stopping } = this.#parts;
    if (hook === undefined) {
      this.#ready("Ready for commands");
      return { kind: "go" };
    }
    status.set(ExporterStatus.BEFORE_LEASE_HOOK, "The beforeLease hook is running");
    const { outcome, reason } = await runHook("beforeLease", hook, undefined);
    if (outcome.kind === "ok") {
      this.#ready("Ready for commands");
      return { kind: "go", beforeLease: "ok" };
    }
    if (stopping.aborted) return { kind: "go", beforeLease: "interrupted" };
    if (hook.onFailure === "warn") {
      this.#ready(`[HOOK_WARNING] ${reason}`);
      return { kind: "go", beforeLease: "failed" };
    }
    status.set(ExporterStatus.BEFORE_LEASE_HOOK_FAILED, reason);
    return { kind: hook.onFailure, reason };
  }

  /** Runs afterLease; answers whether the exporter can go on, and what the next status is to warn of. */
  async #finish(beforeLease: BeforeLease | undefined): Promise<FinishEnd> {
    const { hooks: { afterLease: hook }, status, runHook, onSessionEnd } = this.#parts;
    if (hook !== undefined) status.set(ExporterStatus.AFTER_LEASE_HOOK, "The afterLease hook is running");
    onSessionEnd?.();
    if (hook === undefined) return { kind: "go" };
    const { outcome, reason } = await runHook("afterLease", hook, beforeLease);
    if (outcome.kind === "ok") return { kind: "go" };
    if (hook.onFailure === "warn") return { kind: "go", warning: `[HOOK_WARNING] ${reason}` };
    status.set(ExporterStatus.AFTER_LEASE_HOOK_FAILED, reason);
    return hook.onFailure === "exit" ? { kind: "exit", reason } : { kind: "go" };
  }

  #ready(message: string): void {
    const { status, onReady } = this.#parts;
    this.#endSession = Promise.withResolvers<void>();
    status.set(ExporterStatus.LEASE_READY, message);
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

  /** The pause, and then a client that wants it; or the stop. */
  async #retryTime(pauseMs: number): Promise<void> {
    const { stopping, nextClient } = this.#parts;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      aborted(stopping),
      Promise.all([new Promise<void>((resolve) => timer = setTimeout(resolve, pauseMs)), nextClient()]),
    ]);
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
