import type { LifecycleStatus } from "../exporter/mod.ts";
import type { Logger } from "../log.ts";
import { type DatagramSender, openDatagramSender } from "./libc_datagram.ts";

/** The variables by which systemd says that it listens, and how often it wants to hear; they are for this process alone. */
export const noticeVariables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;

/** An environment for the children of this process. */
export function withoutNoticeVariables<Value>(env: Readonly<Record<string, Value>>): Record<string, Value> {
  const names: readonly string[] = noticeVariables;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

/** What is beside a hook's own time while systemd waits for it: for calls to end, for what it started to end. */
const marginMs = 30_000;

/** Tells the service manager that has started this process how it is: systemd's `sd_notify`. */
export class ServiceNotices implements Disposable {
  readonly #sender: DatagramSender | undefined;
  readonly #log: Logger;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #isReady = false;
  #isStopping = false;
  #isUnheard = false;

  /** Listens to nobody where no service manager has asked for it. */
  constructor(env: Readonly<Record<string, string | undefined>>, log: Logger) {
    this.#log = log;
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
    if (!path) return;
    try {
      this.#sender = openDatagramSender(path);
    } catch (error) {
      log.warning(`systemd cannot be told how this is: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const intervalMs = Number(usec) / 1_000;
    if (intervalMs > 0 && (!pid || pid === String(Deno.pid))) {
      // It is told twice in its time, as it recommends. A process that hangs tells nothing.
      this.#watchdog = setInterval(() => this.#tell({ WATCHDOG: 1 }), intervalMs / 2);
      Deno.unrefTimer(this.#watchdog);
    }
  }

  /** The status of the exporter has changed. A hook has its time, whatever systemd's own limits are. */
  status({ message, hookTimeoutMs }: LifecycleStatus): void {
    const fields = { STATUS: message };
    const patienceUsec = hookTimeoutMs === undefined ? undefined : (hookTimeoutMs + marginMs) * 1_000;
    this.#tell(patienceUsec === undefined ? fields : { ...fields, EXTEND_TIMEOUT_USEC: patienceUsec });
  }

  /** The exporter serves; only the first time is news. */
  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#tell({ READY: 1 });
  }

  /** The exporter stops; only the first time is news. */
  stopping(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#tell({ STOPPING: 1 });
  }

  /** Begins a reload, if it was ready; the end is told when what this answers is disposed of. */
  reloading(): Disposable {
    if (!this.#isReady || this.#sender === undefined) return { [Symbol.dispose]: () => {} };
    this.#tell({ RELOADING: 1, MONOTONIC_USEC: this.#sender.monotonicUsec() });
    return { [Symbol.dispose]: () => this.#tell({ READY: 1 }) };
  }

  /** Says that it has come to an end, and no more. */
  [Symbol.dispose](): void {
    this.stopping();
    clearInterval(this.#watchdog);
    this.#sender?.[Symbol.dispose]();
  }

  #tell(fields: Readonly<Record<string, string | number | bigint>>): void {
    if (this.#sender === undefined) return;
    const lines = Object.entries(fields).map(([name, value]) => `${name}=${String(value).replace(/\s*\n\s*/g, " ")}`);
    if (this.#sender.send(lines.join("\n")) || this.#isUnheard) return;
    this.#isUnheard = true;
    this.#log.warning("systemd did not take what it was told (NOTIFY_SOCKET)");
  }
}
