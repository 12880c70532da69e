/** What this file asks of Linux, by the names that its manual has. */
const O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
const POLLIN = 0x1;

/** The size of a `struct pollfd` in bytes: a descriptor, what is waited for, and what has come. */
const entryBytes = 8;

/** The system calls that it needs; what fails answers -1. */
export interface PollCalls {
  eventfd(value: number, flags: number): number;
  /** Runs on a thread of its own. */
  poll(entries: Uint8Array<ArrayBuffer>, count: bigint, timeoutMs: number): Promise<number>;
  read(fd: number, bytes: Uint8Array<ArrayBuffer>, count: bigint): bigint;
  write(fd: number, bytes: Uint8Array<ArrayBuffer>, count: bigint): bigint;
  closeHere(fd: number): number;
}

interface Wait {
  readonly fd: number;
  readonly events: number;
  readonly resolve: (events: number | undefined) => void;
}

/**
 * Waits for any number of descriptors on one thread. Deno has 32 threads for all that blocks, the reading of files
 * included: with one for each port, an exporter of that many open ports would stand still.
 */
export class PollLoop implements Disposable {
  readonly #calls: PollCalls;
  readonly #waits = new Set<Wait>();
  /** Becomes readable when the wait that is under way is not for the right descriptors any more. */
  readonly #changed: number;
  #isRunning = false;
  #polling: Promise<number> | undefined;

  /** Has a descriptor of its own, until disposed of; less than 0 where there is none left. */
  constructor(calls: PollCalls) {
    this.#calls = calls;
    this.#changed = calls.eventfd(0, O_NONBLOCK | O_CLOEXEC);
  }

  /** Whether it can wait for anything. */
  get isOpen(): boolean {
    return this.#changed >= 0;
  }

  /** Waits for one of `events`; answers what has come, or nothing once the descriptor was left. */
  ready(fd: number, events: number): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.#waits.add({ fd, events, resolve });
    if (this.#isRunning) this.#interrupt();
    else void this.#run();
    return promise;
  }

  /** Ends every wait for a descriptor. It may be closed afterwards: Linux does not look at it any more. */
  async leave(fd: number): Promise<void> {
    for (const wait of this.#waits) {
      if (wait.fd !== fd) continue;
      this.#waits.delete(wait);
      wait.resolve(undefined);
    }
    this.#interrupt();
    await this.#polling;
  }

  /** Gives its own descriptor back; nothing may wait any more. */
  [Symbol.dispose](): void {
    this.#calls.closeHere(this.#changed);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waits.size > 0) {
      const waits = [...this.#waits];
      const entries = entriesOf([{ fd: this.#changed, events: POLLIN }, ...waits]);
      this.#polling = this.#calls.poll(new Uint8Array(entries.buffer), BigInt(waits.length + 1), -1);
      await this.#polling; // after a signal nothing has come
      this.#polling = undefined;
      this.#calls.read(this.#changed, new Uint8Array(8), 8n);
      for (const [index, wait] of waits.entries()) {
        const come = entries.getInt16((index + 1) * entryBytes + 6, true);
        if (come !== 0 && this.#waits.delete(wait)) wait.resolve(come);
      }
    }
    this.#isRunning = false;
  }

  #interrupt(): void {
    if (this.#polling === undefined) return;
    this.#calls.write(this.#changed, new Uint8Array(BigUint64Array.of(1n).buffer), 8n);
  }
}

function entriesOf(waits: readonly { readonly fd: number; readonly events: number }[]): DataView<ArrayBuffer> {
  const entries = new DataView(new ArrayBuffer(waits.length * entryBytes));
  for (const [index, { fd, events }] of waits.entries()) {
    entries.setInt32(index * entryBytes, fd, true);
    entries.setInt16(index * entryBytes + 4, events, true);
  }
  return entries;
}
