import { constants } from "node:os";
import { JumpstarterError } from "../errors.ts";
import { onSignals } from "../platform.ts";
import { writeErr } from "./output.ts";
import { signalEchoes } from "./stop_signals.ts";

/** What signals mean to a process that is exporter and client at once: they are for the hooks or for the command. */
export interface LocalSignals extends Disposable {
  /** The exit code of the signal that kept the command from running; unset without one. */
  readonly exitCode: number | undefined;
  /** Fires when the exporter is to stop. */
  readonly stopping: AbortSignal;
  /** Fires when it is to stop at once. */
  readonly forced: AbortSignal;
  /** Stops the exporter; a signal from now on forces it. */
  stop(): void;
  /** Runs the command, which then decides by itself what a signal means. */
  whileCommand<T>(run: () => Promise<T>): Promise<T>;
}

/** Those that end a command on a terminal: without a listener, hooks and their devices would be left as they are. */
const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Listens for signals until disposed of. */
export function localSignals(): LocalSignals {
  const stopping = new AbortController(), forced = new AbortController();
  const isEcho = signalEchoes();
  let exitCode: number | undefined;
  let hasCommand = false;
  const receive = (name: (typeof names)[number]) => {
    if (hasCommand || isEcho(name)) return;
    if (stopping.signal.aborted) return forced.abort();
    exitCode = 128 + constants.signals[name];
    stopping.abort(new JumpstarterError("cancelled", `Stopped by ${name}`));
    writeErr(`Stopping (${name}); a second signal stops at once\n`);
  };
  const signals = onSignals(names, receive);
  return {
    get exitCode() {
      return exitCode;
    },
    stopping: stopping.signal,
    forced: forced.signal,
    stop: () => stopping.abort(),
    async whileCommand(run) {
      stopping.signal.throwIfAborted();
      hasCommand = true;
      try {
        return await run();
      } finally {
        hasCommand = false;
      }
    },
    [Symbol.dispose]: () => signals[Symbol.dispose](),
  };
}
