/** Measures two things in turns, so that what else the machine does falls on both. */

/** What was measured of both, oldest first. */
export interface Pair {
  readonly ours: readonly number[];
  readonly peer: readonly number[];
}

/** Measures A B A B `runs` times each. A first turn of both warms the caches and does not count. */
export async function alternate(
  runs: number,
  measure: { ours(): Promise<number>; peer(): Promise<number> },
): Promise<Pair> {
  await measure.ours();
  await measure.peer();
  const ours: number[] = [], peer: number[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(await measure.ours());
    peer.push(await measure.peer());
  }
  return { ours, peer };
}

/** The value in the middle; of an even number, the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}
