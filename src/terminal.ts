/**
 * The terminal of a user, as a program sees it: that of this process (`process_terminal.ts`), or that of a `j` which
 * runs elsewhere (`src/agent`).
 *
 * @module
 */

/** Something that text is shown on. */
export interface Screen {
  /** Whether a person watches it. */
  readonly isTerminal: boolean;
  /** How many characters wide it is, where that is known. */
  readonly columns?: number;
}

/** What does not change while a program runs. */
export interface TerminalFacts {
  /** The absolute path of the directory that the user is in. */
  readonly cwd: string;
  /** The user's environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether a person types. */
  readonly isInteractive: boolean;
  /** Where stdout goes. */
  readonly out: Screen;
  /** Where stderr goes. */
  readonly err: Screen;
}

/** A user's terminal. */
export interface Terminal {
  /** What it is. */
  readonly facts: TerminalFacts;
  /** Fires when the user gives up, or when stdout takes nothing more. */
  readonly signal: AbortSignal;
  /** Whether stdout takes nothing more: its reader has gone (`j … | head -1`), or its disk is full. */
  readonly isOutputClosed: boolean;
  /** What is typed or piped in. Nothing is taken from it before it is read. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Writes to stdout; settles once it is taken, and never fails. What is written stays in order. */
  writeOut(output: Uint8Array | string): Promise<void>;
  /** Writes to stderr, in one order with what goes to stdout. */
  writeErr(output: Uint8Array | string): Promise<void>;
  /** Settles once all that was written is taken. */
  flush(): Promise<void>;
  /** Hands over single key presses instead of lines, or lines again. */
  setRaw(isRaw: boolean): void;
}
