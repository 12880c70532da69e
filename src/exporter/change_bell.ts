import type { ExporterEvent } from "../exporter_event.ts";

/** Lets any number wait until something happens at the exporter. */
export class ChangeBell {
  #next = Promise.withResolvers<void>();

  /** Wakes those who wait, but for bytes, which come by the thousand. */
  readonly ring = ({ kind }: Pick<ExporterEvent, "kind">): void => {
    if (kind === "bytes") return;
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers<void>();
    resolve();
  };

  /** Settles when the next thing happens, or `signal` fires. */
  next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    void this.#next.promise.then(end);
    return promise;
  }
}
