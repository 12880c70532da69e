/**
 * Values as they travel in driver calls: whatever JSON can say, and nothing else.
 *
 * @module
 */

/** A JSON value. Numbers are doubles on the wire, so integers are exact up to 2^53. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
