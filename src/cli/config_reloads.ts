import type { ExporterConfig } from "../config/mod.ts";
import { ConfigError } from "../errors.ts";
import type { DriverChanges, PlannedConfig, Reload } from "../exporter/mod.ts";
import type { Logger } from "../log.ts";
import { onSignals } from "../platform.ts";
import type { ServiceNotices } from "./service_notices.ts";

/** What a reload needs. */
export interface ReloadParts {
  /** Reads the config anew. */
  readonly load: () => Promise<PlannedConfig>;
  readonly log: Logger;
  readonly notices: Pick<ServiceNotices, "reloading">;
  /** Opens anew what may have been renamed. */
  readonly reopen: () => Promise<void>;
  /** Told of the config that holds from now on. */
  readonly onReloaded: (config: ExporterConfig) => void;
}

/** Reloads the config of an exporter at each SIGHUP: one after the other, and once for those that come meanwhile. */
export class ConfigReloads implements Disposable {
  readonly #parts: ReloadParts;
  #reload: Reload | undefined;
  #isWanted = false;
  #isRunning = false;
  readonly #signals = onSignals(["SIGHUP"], () => {
    if (this.#isRunning && !this.#isWanted) {
      this.#parts.log.info("A reload is under way; the config is reloaded once more when it has ended");
    }
    this.#isWanted = true;
    void this.#run();
  });

  /** Listens for the signal. */
  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /** Says how an exporter takes a config over, once there is one; a signal that came before is heard now. */
  serve(reload: Reload): void {
    this.#reload = reload;
    void this.#run();
  }

  /** Listens no more. */
  [Symbol.dispose](): void {
    this.#signals[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    if (this.#reload === undefined || this.#isRunning) return;
    this.#isRunning = true;
    for (; this.#isWanted; await this.#once(this.#reload)) this.#isWanted = false;
    this.#isRunning = false;
  }

  async #once(reload: Reload): Promise<void> {
    const { load, reopen, log, notices, onReloaded } = this.#parts;
    log.info("Reloading the config (SIGHUP)");
    using _reloading = notices.reloading();
    try {
      await reopen();
      const next = await load();
      const changes = await reload(next);
      onReloaded(next.loaded.config);
      log.info(`Reloaded: ${describe(changes)}`);
    } catch (error) {
      const reasons = error instanceof Error ? error.message.split("\n") : [String(error)];
      for (const reason of reasons) log.error(error instanceof ConfigError ? reason.trim() : `Not reloaded: ${reason}`);
      if (error instanceof ConfigError) log.error("Not reloaded: the config has mistakes, and the one before holds");
    }
  }
}

function describe(changes: DriverChanges): string {
  const parts = (["added", "replaced", "removed"] as const)
    .filter((kind) => changes[kind].length > 0)
    .map((kind) => `${kind} ${changes[kind].join(", ")}`);
  return parts.join("; ") || "no driver has changed";
}
