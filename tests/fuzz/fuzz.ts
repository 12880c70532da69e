/**
 * How many cases of a property are run, and with which seed: few in the normal tests, many in `deno task fuzz`.
 *
 * `JMP_FUZZ_CASES` says how many in all, `JMP_FUZZ_SEED` with which seed; the seed is printed, and one that found
 * something finds it again.
 */
import fc from "fast-check";

/** How many properties share the cases. */
const properties = 5;
/** The most that one property may take, in milliseconds; what was not run by then is told. */
const limitMs = 150_000;

const cases = Number(Deno.env.get("JMP_FUZZ_CASES") ?? 2_000);
const seed = Number(Deno.env.get("JMP_FUZZ_SEED") ?? crypto.getRandomValues(new Int32Array(1))[0]);

/** What a property is held against. */
export interface Held<T> extends Partial<AsyncDisposable> {
  /** Fails when the property does not hold for this value. */
  holds(value: T): void | Promise<void>;
}

/** Registers a test that runs this property's share of the cases against what `open` opens. */
export function fuzz<T>(name: string, arbitrary: fc.Arbitrary<T>, open: () => Held<T> | Promise<Held<T>>): void {
  Deno.test(name, async () => {
    const held = await open();
    try {
      const details = await fc.check(
        fc.asyncProperty(arbitrary, async (value) => await held.holds(value)),
        { numRuns: Math.ceil(cases / properties), seed, interruptAfterTimeLimit: limitMs, endOnFailure: true },
      );
      console.log(`${name}: ${details.numRuns} cases, seed ${seed}`);
      if (details.failed && details.counterexample !== null) {
        throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
      }
    } finally {
      await held[Symbol.asyncDispose]?.();
    }
  });
}
