/**
 * The part of zod 4's own description of a schema, and of its issues, that is read here without loading zod.
 *
 * @module
 */
import type { SchemaIssue } from "./schema.ts";

/** What is read of a zod schema's own description; every field depends on its `type`. */
export interface Definition {
  readonly type?: string;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly innerType?: unknown;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly catchall?: unknown;
  readonly items?: readonly unknown[];
  readonly rest?: unknown;
  readonly options?: readonly unknown[];
  readonly in?: unknown;
  readonly out?: unknown;
  readonly left?: unknown;
  readonly right?: unknown;
  readonly format?: string;
  readonly checks?: readonly { readonly _zod?: { readonly def?: { readonly format?: string } } }[];
  getter?(): unknown;
}

/** What zod adds to an issue, by the issue's code. */
export interface DetailedIssue extends SchemaIssue {
  readonly expected?: string;
  readonly values?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly errors?: readonly (readonly DetailedIssue[])[];
  readonly issues?: readonly DetailedIssue[];
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
  readonly divisor?: number;
  readonly format?: string;
  readonly pattern?: string;
}
