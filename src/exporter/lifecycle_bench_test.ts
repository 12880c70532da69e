/** A lifecycle on a bench: hooks that end as they are told, and every status noted. */
import { ExporterStatus } from "../../proto/mod.ts";
import type { HookConfig } from "../config/mod.ts";
import type { HookOutcome } from "../hooks/mod.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { BeforeLease, HookName, LifecycleParts } from "./lifecycle_parts.ts";
import { StatusBoard } from "./status_board.ts";

/** What a failed hook does. */
export type OnFailure = HookConfig["onFailure"];

export const ok: HookOutcome = { kind: "ok", durationMs: 1 };
export const failed: HookOutcome = { kind: "failed", exitCode: 3, lines: [] };
export const interrupted: HookOutcome = { kind: "interrupted", lines: [] };
const hook = (onFailure: OnFailure): HookConfig => ({ script: "x", timeoutMs: 1_000, onFailure });
export const quick = { retryPause: { firstMs: 10, mostMs: 40 }, lastWord: { withinMs: 1_000, limitMs: 2_000 } };

/** A lifecycle whose hooks end as it is told, and whose every status is noted. */
export function openLife(
  onFailure: { beforeLease?: OnFailure; afterLease?: OnFailure; scope?: "session" },
  runHook: (name: HookName, round: number) => HookOutcome | Promise<HookOutcome>,
  more: Partial<LifecycleParts> = {},
) {
  const trail: string[] = [], told: (BeforeLease | undefined)[] = [], names: string[] = [];
  const stop = new AbortController(), status = new StatusBoard();
  const set = status.set.bind(status);
  const reached = new Map<string, () => void>();
  status.set = (state, message) => {
    set(state, message);
    const entry = `${ExporterStatus[state]}: ${message}`;
    trail.push(entry);
    for (const [prefix, resolve] of reached) if (entry.startsWith(prefix)) resolve();
  };
  const sessions: AbortSignal[] = [];
  const rounds = { beforeLease: 0, afterLease: 0 };
  const { beforeLease, afterLease, scope } = onFailure;
  const lifecycle = new Lifecycle({
    hooks: {
      scope,
      beforeLease: beforeLease && hook(beforeLease),
      afterLease: afterLease && hook(afterLease),
    },
    status,
    stopping: stop.signal,
    exitOnLeaseEnd: false,
    nextClient: () => new Promise(() => {}),
    onReady: () => {},
    endCalls: () => Promise.resolve(),
    times: quick,
    async runHook(name, _hook, { beforeLease, clientName, ended }) {
      names.push(`${name} of ${clientName}`);
      sessions.push(ended);
      if (name === "afterLease") told.push(beforeLease);
      const outcome = await runHook(name, ++rounds[name]);
      return { outcome, reason: `${name} ${outcome.kind}` };
    },
    ...more,
  });
  return {
    lifecycle,
    status,
    trail,
    /** What afterLease was told of beforeLease. */
    told,
    /** Which hook has run for which client. */
    names,
    /** What each hook is told by of the end of its session. */
    sessions,
    stop: () => stop.abort(),
    /** Waits for the next status that begins with `prefix`. */
    until: (prefix: string) =>
      new Promise<void>((resolve) =>
        reached.set(prefix, () => {
          reached.delete(prefix);
          resolve();
        })
      ),
  };
}

export const before = "BEFORE_LEASE_HOOK: The beforeLease hook is running";
export const after = "AFTER_LEASE_HOOK: The afterLease hook is running";
export const ready = "LEASE_READY: Ready for commands";
export const offline = "OFFLINE: The exporter has stopped";
