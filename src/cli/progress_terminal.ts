import type { Terminal, TerminalFacts } from "../terminal.ts";
import { eraseRest } from "./output.ts";

const intervalMs = 100;

/**
 * A terminal that can show how far a transfer has come, where a person watches. That stands on a line that the cursor
 * is at the beginning of: whatever is written here finds it erased, and a program that shares the terminal, such as
 * the `jmp shell` around a `j`, writes over it.
 */
export class ProgressTerminal implements Terminal {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #startedAt = 0;
  #shownAt = -Infinity;
  #bytes = Infinity;
  #isShown = false;
  /** Whether something stands before the cursor, which progress would erase. */
  #isInLine = false;

  /** Shows progress on `terminal`. */
  constructor(terminal: Terminal, now = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
  }

  get facts(): TerminalFacts {
    return this.#terminal.facts;
  }

  get signal(): AbortSignal {
    return this.#terminal.signal;
  }

  get isOutputClosed(): boolean {
    return this.#terminal.isOutputClosed;
  }

  get stdin(): ReadableStream<Uint8Array> {
    return this.#terminal.stdin;
  }

  writeOut(output: Uint8Array | string): Promise<void> {
    if (this.facts.out.isTerminal) this.#makeRoom(output);
    return this.#terminal.writeOut(output);
  }

  writeErr(output: Uint8Array | string): Promise<void> {
    this.#makeRoom(output);
    return this.#terminal.writeErr(output);
  }

  flush(): Promise<void> {
    this.#erase();
    return this.#terminal.flush();
  }

  setRaw(isRaw: boolean): void {
    this.#terminal.setRaw(isRaw);
  }

  /** Shows `bytes`, of `total` where it is known; at most ten times a second. No more than before are another transfer. */
  showProgress(bytes: number, total?: number): void {
    const { isTerminal, columns = 80 } = this.facts.err;
    if (!isTerminal || this.#isInLine) return;
    const now = this.#now();
    const isAnother = bytes <= this.#bytes;
    this.#bytes = bytes;
    if (isAnother) this.#startedAt = now;
    else if (now - this.#shownAt < intervalMs) return;
    this.#shownAt = now;
    this.#isShown = true;
    const text = formatProgress(bytes, total, (now - this.#startedAt) / 1_000);
    void this.#terminal.writeErr(`${eraseRest}${text.slice(0, columns - 1)}\r`);
  }

  #erase(): void {
    if (this.#isShown) void this.#terminal.writeErr(eraseRest);
    this.#isShown = false;
  }

  #makeRoom(output: Uint8Array | string): void {
    if (output.length === 0) return;
    this.#erase();
    const last = output.at(-1);
    this.#isInLine = last !== "\n" && last !== 0x0a;
  }
}

/** `42 % [========            ] 42.0 MiB of 100.0 MiB, 21.0 MiB/s`; without a total only the amounts. */
export function formatProgress(bytes: number, total: number | undefined, seconds: number): string {
  const rate = seconds > 0 ? `, ${formatBytes(bytes / seconds)}/s` : "";
  if (total === undefined || total === 0) return `${formatBytes(bytes)}${rate}`;
  const share = Math.min(1, bytes / total);
  const bar = "=".repeat(Math.round(share * 20)).padEnd(20);
  return `${Math.floor(share * 100)} % [${bar}] ${formatBytes(bytes)} of ${formatBytes(total)}${rate}`;
}

function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
