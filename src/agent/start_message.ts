import type { TerminalFacts } from "../terminal.ts";

/** What a `j` says of itself when it starts. */
export interface StartMessage {
  /** The words after `j`. */
  readonly args: readonly string[];
  readonly facts: TerminalFacts;
  readonly user: User;
}

/** Whose files a process makes, and how. An agent does nothing for a `j` that would make others. */
export interface User {
  readonly uid: number | null;
  readonly umask: number;
}

/** The user of this process. */
export function currentUser(): User {
  return { uid: Deno.uid(), umask: Deno.umask() };
}
