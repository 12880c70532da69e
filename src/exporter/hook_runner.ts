import type { HookConfig } from "../config/mod.ts";
import { JUMPSTARTER_HOST } from "../env.ts";
import type { ExporterObserver } from "../exporter_event.ts";
import {
  describeOutcome,
  hookEnvironment,
  type HookOutcome,
  type PlacedShims,
  placeShims,
  runHook,
} from "../hooks/mod.ts";
import type { Logger } from "../log.ts";
import type { Server } from "../rpc/mod.ts";
import { withScriptPath } from "./hook_script.ts";
import type { HookName, HookSession } from "./lifecycle_parts.ts";
import type { LogFeed } from "./log_feed.ts";
import type { RuntimeDir } from "./runtime_dir.ts";

/** Where the commands of a hook are run, and for which exporter. */
export interface CommandPlace {
  /** A directory that only this user can enter. */
  readonly dir: string;
  /** The variables that lead `j` to the hooks' own socket. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes one line about what went wrong there. */
  readonly warn: (line: string) => void;
}

/** What runs the commands of a hook, for as long as the hook runs. */
export interface ServedCommands extends AsyncDisposable {
  /** The variables that lead the hook to it. */
  readonly env: Readonly<Record<string, string>>;
}

/** What the hooks of an exporter run with. */
export interface HookRunnerParts {
  readonly dir: RuntimeDir;
  readonly log: Logger;
  readonly feed: LogFeed;
  readonly observe: ExporterObserver;
  /** Where the present config is, from which its script files are found. */
  readonly configUrl: () => URL;
  /** Serves the exporter on the hooks' own socket. */
  readonly serve: () => Promise<Server>;
  /** The environment that hooks inherit. */
  readonly env: Readonly<Record<string, string>>;
  /** The words that start this program, for the `j` that hooks find on their PATH. */
  readonly launcher: readonly string[];
  /** Runs the `j` of hooks in this process; without it each `j` does its work by itself. */
  readonly serveCommands?: (place: CommandPlace) => Promise<ServedCommands>;
  /** Fires when the exporter is to stop, which ends a beforeLease: it has no one left to prepare for. */
  readonly stopping: AbortSignal;
  /** Fires when the exporter is to stop at once, which kills an afterLease. */
  readonly forced?: AbortSignal;
  /** How long a hook has to end after SIGTERM until it is killed, in milliseconds; 5,000 by default. */
  readonly hookKillGraceMs?: number;
}

/** Runs hooks, with their lines going to the log. What they need of the exporter is there from the first one on. */
export class HookRunner implements AsyncDisposable {
  readonly #parts: HookRunnerParts;
  #opened: Promise<{ readonly server: Server; readonly shims: PlacedShims }> | undefined;

  /** Makes a runner that has not run anything. */
  constructor(parts: HookRunnerParts) {
    this.#parts = parts;
  }

  /** Runs a hook until its end; `reason` says in one line how it ended. */
  readonly run = async (
    name: HookName,
    hook: HookConfig,
    session: HookSession,
  ): Promise<{ outcome: HookOutcome; reason: string }> => {
    const { log, feed, observe } = this.#parts;
    if (name === "beforeLease") feed.forgetHookLines();
    const begun = performance.now();
    const outcome = await this.#run(name, hook, session).catch(notStarted);
    observe({ kind: "hookEnded", hook: name, result: outcome.kind, durationMs: performance.now() - begun });
    const reason = describeOutcome(outcome, name);
    if (outcome.kind === "ok") log.info(reason);
    else log.error(reason);
    return { outcome, reason };
  };

  /** Closes the hooks' own socket; calls that still run have `graceMs` to end. */
  async stop(graceMs: number): Promise<void> {
    const opened = await this.#opened;
    await opened?.server.stop(graceMs);
    await opened?.shims[Symbol.asyncDispose]();
  }

  /** Closes it at once. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(0);
  }

  async #run(name: HookName, hook: HookConfig, session: HookSession): Promise<HookOutcome> {
    const { dir, log, configUrl, serveCommands, stopping, forced, hookKillGraceMs } = this.#parts;
    const hookLog = log.child({ source: name });
    const isBefore = name === "beforeLease";
    const { shims } = await (this.#opened ??= this.#open());
    const warn = (line: string) => log.warning(line);
    const env = { [JUMPSTARTER_HOST]: dir.socketPath };
    await using commands = await serveCommands?.({ dir: dir.path, env, warn });
    return await runHook(withScriptPath(hook, configUrl()), {
      env: this.#environment(session, isBefore, shims.binDir, commands?.env),
      workDir: dir.workDir, // which goes even when the exporter is killed: scripts have passwords in them
      signal: isBefore ? AbortSignal.any([stopping, session.ended]) : forced,
      killGraceMs: hookKillGraceMs,
      onLine: (line) => hookLog.info(line),
    });
  }

  async #open() {
    const { dir, launcher, log, serve } = this.#parts;
    await using begun = new AsyncDisposableStack();
    try {
      const shims = begun.use(await placeShims(dir.binDir, launcher, (line) => log.warning(line)));
      const server = await serve();
      begun.move();
      return { server, shims };
    } catch (error) {
      this.#opened = undefined; // the next hook tries again
      throw error;
    }
  }

  #environment(
    { clientName, beforeLease }: HookSession,
    isBefore: boolean,
    binDir: string,
    extra: ServedCommands["env"] = {},
  ) {
    const { socketPath, motdFile } = this.#parts.dir;
    return hookEnvironment(this.#parts.env, {
      socketPath,
      binDir,
      leaseName: "standalone",
      clientName,
      ...(isBefore
        ? { motdFile, extra }
        : { extra: { ...extra, ...(beforeLease && { JMP_BEFORE_LEASE: beforeLease }) } }),
    });
  }
}

/** A full disk, or a directory that somebody has removed, is a failure of the hook like any other. */
function notStarted(error: unknown): HookOutcome {
  return { kind: "notStarted", reason: error instanceof Error ? error.message : String(error) };
}
