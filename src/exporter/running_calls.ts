/** The calls that drivers are in the midst of. */
export class RunningCalls {
  readonly #calls = new Set<{ readonly name: string }>();
  #onLast = () => {};

  /** Notes a call, until it is disposed of. */
  begin(name: string): Disposable {
    const call = { name };
    this.#calls.add(call);
    return {
      [Symbol.dispose]: () => {
        this.#calls.delete(call);
        if (this.#calls.size === 0) this.#onLast();
      },
    };
  }

  /**
   * Waits until none is left, `limitMs` at most and not once `hurry` has fired. Answers the names of those that are.
   */
  async ended(limitMs: number, hurry?: AbortSignal): Promise<string[]> {
    if (this.#calls.size > 0 && !hurry?.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, limitMs);
      this.#onLast = resolve;
      hurry?.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      clearTimeout(timer);
      this.#onLast = () => {};
    }
    return [...this.#calls].map(({ name }) => name);
  }
}
