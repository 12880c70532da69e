import { JumpstarterError } from "../errors.ts";

/** How one call ends early. */
export interface CallLimits {
  /** Cancels the call when it fires. */
  signal?: AbortSignal;
  /** The most that the whole call may take, in milliseconds. */
  timeoutMs?: number;
}

/** @throws {JumpstarterError} also where the reason is the platform's own, such as that of `AbortSignal.timeout`. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  const { reason: cause } = signal;
  if (cause instanceof JumpstarterError) throw cause;
  const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
  throw new JumpstarterError(isLate ? "timeout" : "cancelled", "The call was given up before it began", { cause });
}

/** A call, as far as giving it up goes. */
interface Cancellable {
  cancel(): void;
}

/** The calls of a channel that have not ended yet. */
export class CallsUnderWay {
  readonly #calls = new Set<Cancellable>();

  /** Takes a call in, which is cancelled when `signal` fires. Answers what lets it go. */
  add(call: Cancellable, signal: AbortSignal | undefined): () => void {
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    this.#calls.add(call);
    return () => {
      signal?.removeEventListener("abort", cancel);
      this.#calls.delete(call);
    };
  }

  /** Cancels all of them. */
  cancel(): void {
    for (const call of [...this.#calls]) call.cancel();
  }
}
