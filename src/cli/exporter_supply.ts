import { openExporter } from "../client/mod.ts";
import type { DriverPackage } from "../driver/mod.ts";
import type { Channel } from "../rpc/mod.ts";
import type { Env } from "./connection_options.ts";
import { type BorrowedExporter, channelFromEnv, oneCommand } from "./j.ts";

/**
 * How long an exporter may take to answer on a connection that has waited, before another is made: its other end may
 * be gone without a word.
 */
const probeLimitMs = 2_000;

/**
 * Connections to one exporter, a new one for each command, so that it goes as a process would: what the exporter keeps
 * for a client goes with its connection, and no command waits for what another does not read. The next command's is
 * made in advance; the devices are asked for when it begins, so that none sees those of before a restart.
 */
export class ExporterSupply implements Disposable {
  readonly #env: Env;
  readonly #packages: readonly DriverPackage[];
  readonly #closed = new AbortController();
  #spare?: Channel;

  /** Makes connections to the exporter that `env` names. */
  constructor(env: Env, packages: readonly DriverPackage[]) {
    this.#env = env;
    this.#packages = packages;
  }

  /**
   * The exporter on a connection of its own, for one command.
   *
   * @param signal Gives up connecting.
   * @param gone Ends the connection, should the borrower not give it back.
   */
  async borrow(signal: AbortSignal, gone: AbortSignal): Promise<BorrowedExporter> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) {
      try {
        return await this.#lend(spare, AbortSignal.any([signal, AbortSignal.timeout(probeLimitMs)]), gone);
      } catch {
        // A new connection says what is wrong, if anything is.
      }
    }
    return await this.#lend(await channelFromEnv(this.#env), signal, gone);
  }

  /** Closes the connection that is there for the next command. */
  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#spare?.[Symbol.dispose]();
  }

  async #lend(channel: Channel, signal: AbortSignal, gone: AbortSignal): Promise<BorrowedExporter> {
    const end = () => {
      gone.removeEventListener("abort", end);
      channel[Symbol.dispose](); // and with it all that the command has left open
    };
    gone.addEventListener("abort", end);
    if (gone.aborted) end();
    try {
      const exporter = await openExporter(channel, this.#packages, { ...oneCommand, signal });
      return {
        exporter,
        [Symbol.dispose]: () => {
          end();
          void this.#prepare();
        },
      };
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Connects for the next command. An exporter that does not answer now is asked again when there is one. */
  async #prepare(): Promise<void> {
    const { signal } = this.#closed;
    if (this.#spare !== undefined || signal.aborted) return;
    const channel = await channelFromEnv(this.#env).catch(() => undefined); // the next command is told what is wrong
    if (channel === undefined) return;
    const isConnected = await openExporter(channel, [], { signal, exclusive: false }).then(() => true, () => false);
    if (isConnected && this.#spare === undefined && !signal.aborted) this.#spare = channel;
    else channel[Symbol.dispose]();
  }
}
