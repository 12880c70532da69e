import { onSignals } from "../platform.ts";

/** The signals that ask a program to stop. */
export interface StopSignals extends Disposable {
  /** Fires at the first signal. */
  readonly stopping: AbortSignal;
  /** Fires at the second. */
  readonly forced: AbortSignal;
}

/**
 * One stop may come twice: a service manager signals every process of a group, and a parent among them passes the same
 * signal on. Nobody who is in a hurry is as fast.
 */
const echoMs = 300;

/** Says of a signal whether it is only the echo of the one before. */
export function signalEchoes(now: () => number = () => performance.now()): (name: Deno.Signal) => boolean {
  const taken = new Map<Deno.Signal, number>();
  return (name) => {
    const at = now();
    if (at - (taken.get(name) ?? -Infinity) < echoMs) return true;
    taken.set(name, at);
    return false;
  };
}

/**
 * Listens for SIGINT and SIGTERM, and where `hangupStops` for SIGHUP; `onStop` is told the first one's name.
 */
export function stopSignals(
  onStop: (name: Deno.Signal) => void,
  { hangupStops = false }: { hangupStops?: boolean } = {},
): StopSignals {
  const stopping = new AbortController(), forced = new AbortController();
  const isEcho = signalEchoes();
  const signals = onSignals(["SIGINT", "SIGTERM", ...hangupStops ? ["SIGHUP" as const] : []], (name) => {
    if (isEcho(name)) return;
    if (stopping.signal.aborted) return forced.abort();
    stopping.abort(); // whatever comes of telling
    onStop(name);
  });
  return {
    stopping: stopping.signal,
    forced: forced.signal,
    [Symbol.dispose]: () => signals[Symbol.dispose](),
  };
}
