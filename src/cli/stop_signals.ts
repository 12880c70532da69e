/** The signals that ask a program to stop. */
export interface StopSignals extends Disposable {
  /** Fires at the first signal. */
  readonly stopping: AbortSignal;
  /** Fires at the second. */
  readonly forced: AbortSignal;
}

const names: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

/** Listens for SIGINT and SIGTERM; `onStop` is told the first one's name. */
export function stopSignals(onStop: (name: Deno.Signal) => void): StopSignals {
  const stopping = new AbortController(), forced = new AbortController();
  const listeners = names.map((name) => {
    const listener = () => {
      if (stopping.signal.aborted) return forced.abort();
      onStop(name);
      stopping.abort();
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  return {
    stopping: stopping.signal,
    forced: forced.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}
