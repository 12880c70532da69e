import type { HookConfig } from "../config/mod.ts";
import type { JumpstarterError } from "../errors.ts";
import type { HookOutcome } from "../hooks/mod.ts";
import type { StatusBoard } from "./status_board.ts";

/** The name of a hook, as the config has it. */
export type HookName = "beforeLease" | "afterLease";

/** How beforeLease went, as afterLease is told. */
export type BeforeLease = "ok" | "failed" | "interrupted";

/** What a hook is told of its session. */
export interface HookSession {
  /** The client whose session it is; empty where the session is the exporter's own. */
  readonly clientName: string;
  /** How beforeLease went; for afterLease alone, and unset where there is none. */
  readonly beforeLease?: BeforeLease;
  /** Fires when the session is over before it has begun. */
  readonly ended: AbortSignal;
}

/** The hooks, and what they run around: the exporter's own life, or each client's session. */
export interface LifecycleHooks {
  readonly scope?: "exporter" | "session";
  readonly beforeLease?: HookConfig;
  readonly afterLease?: HookConfig;
}

/** What the lifecycle acts on. */
export interface LifecycleParts {
  readonly hooks: LifecycleHooks;
  readonly status: StatusBoard;
  /** Runs a hook until its end; `reason` says in one line how it ended. */
  readonly runHook: (
    name: HookName,
    hook: HookConfig,
    session: HookSession,
  ) => Promise<{ outcome: HookOutcome; reason: string }>;
  /** Ends the calls of clients, who are told why, and waits for their ends as long as it is worth waiting. */
  readonly endCalls: (reason: JumpstarterError) => Promise<void>;
  /** Told when a session is over, its hooks included. */
  readonly onSessionOver?: () => void;
  /** Fires when the exporter is to stop. */
  readonly stopping: AbortSignal;
  /** Waits for the next client to connect, or for the stop. */
  readonly nextClient: () => Promise<void>;
  /** The exporter ends with its first session. */
  readonly exitOnLeaseEnd: boolean;
  /** Called whenever clients may call drivers, or with the scope of a session may come. */
  readonly onReady: () => void;
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
