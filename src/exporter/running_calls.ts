/** The calls that drivers are in the midst of. */
export class RunningCalls {
  readonly #calls = new Set<{ readonly name: string }>();
  /** Those who wait for an end. */
  readonly #waiting = new Set<() => void>();
  #recent = new Set<string>();

  /** Notes a call, until it is disposed of. */
  begin(name: string): Disposable {
    const call = { name };
    this.#calls.add(call);
    this.#recent.add(name);
    return {
      [Symbol.dispose]: () => {
        this.#calls.delete(call);
        for (const look of this.#waiting) look();
      },
    };
  }

  /** The names of those that run, or have run since this was asked last. */
  takeRecent(): string[] {
    const names = [...this.#recent];
    this.#recent = new Set(Array.from(this.#calls, ({ name }) => name));
    return names;
  }

  /**
   * Waits until none is left, `limitMs` at most and not once `hurry` has fired. Answers the names of those that are.
   *
   * @param isMeant Which names count; all by default.
   */
  async ended(limitMs: number, hurry?: AbortSignal, isMeant = (_name: string): boolean => true): Promise<string[]> {
    const left = () => Array.from(this.#calls, ({ name }) => name).filter(isMeant);
    if (left().length > 0 && !hurry?.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => left().length === 0 && resolve();
      const timer = setTimeout(resolve, limitMs);
      this.#waiting.add(look);
      const stop = () => resolve();
      hurry?.addEventListener("abort", stop);
      await promise;
      hurry?.removeEventListener("abort", stop);
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
    return left();
  }
}
