import { median, type Pair } from "./alternate.ts";

/** A comparison, and what is expected of it. */
export interface Comparison {
  readonly name: string;
  readonly unit: string;
  readonly pair: Pair;
  /** The least `peer / ours`, or the most `ours / peer`. */
  readonly wanted: { readonly timesFaster: number } | { readonly share: number };
}

/** One line for each comparison, under a heading. */
export function formatTable(comparisons: readonly Comparison[]): string {
  const rows = [["", "ours", "Python", "ratio", "wanted", ""], ...comparisons.map(row)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return rows.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd())
    .join("\n");
}

function row({ name, unit, pair: { ours, peer }, wanted }: Comparison): string[] {
  const share = median(ours) / median(peer);
  const figures = [ours, peer].map((values) => formatValues(values, unit));
  if ("share" in wanted) {
    const isMet = share <= wanted.share;
    return [name, ...figures, `${share.toFixed(2)} of it`, `${wanted.share} at most`, isMet ? "met" : "MISSED"];
  }
  const isMet = 1 / share >= wanted.timesFaster;
  const ratio = `${(1 / share).toFixed(1)} x faster`;
  return [name, ...figures, ratio, `${wanted.timesFaster} x at least`, isMet ? "met" : "MISSED"];
}

/** The median, and in brackets the least and the most. */
function formatValues(values: readonly number[], unit: string): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
    value.toFixed(0)
  );
  return `${middle} ${unit} (${least} to ${most})`;
}
