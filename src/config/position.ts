/** A place in a text file. */
export interface Position {
  /** The line, counted from 1. */
  readonly line: number;
  /** The column in that line, counted from 1. */
  readonly column: number;
}
