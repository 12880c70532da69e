/**
 * What this project asks of a schema library: to parse, and to say what is wrong and where. zod's schemas have
 * this shape; writing it out keeps zod's own types out of the public ones.
 *
 * @module
 */

/** One thing that a value does not meet. */
export interface SchemaIssue {
  /** The library's name for the kind of issue. */
  readonly code?: string;
  /** Where in the value, from its root. */
  readonly path: readonly PropertyKey[];
  /** What is wrong, in words. */
  readonly message: string;
  /** The keys that the schema does not know, for an issue about keys. */
  readonly keys?: readonly string[];
}

/** Turns an unknown value into a `T`, or says what is wrong with it. */
export interface Schema<T> {
  /** Parses without throwing. */
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: readonly SchemaIssue[] } };
}
