/** Lets the calls of one driver in one after the other, in the order of their coming. */
export class CallQueue {
  #isTaken = false;
  /** What lets each of those in that wait, the one that came first at the head. */
  readonly #waiting = new Set<() => void>();

  /** How many wait for their turn. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for a turn, which lasts until it is disposed of. Who gives up leaves the queue.
   *
   * @throws The reason of `signal` when it fires first.
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#isTaken) await this.#wait(signal);
    this.#isTaken = true;
    return { [Symbol.dispose]: () => this.#leave() };
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => {
      this.#waiting.delete(resolve);
      reject(signal.reason);
    };
    this.#waiting.add(resolve);
    signal.addEventListener("abort", giveUp, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", giveUp));
  }

  /** The turn goes over to the next at once, so that nobody who comes now gets in between. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#isTaken = false;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
