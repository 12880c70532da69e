import { InvalidArgumentError } from "./program.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest that a timer can run, in milliseconds; one that is set for longer fires at once. */
export const longestMs = 2 ** 31 - 1;

/**
 * A duration as users write it, in milliseconds: a number of seconds (`90`, `0.5`), or numbers with units (`500ms`,
 * `90s`, `1h30m`), and no longer than a timer can run.
 *
 * @throws {InvalidArgumentError}
 */
export function parseDuration(text: string): number {
  const durationMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : withUnits(text);
  if (durationMs <= longestMs) return durationMs;
  throw new InvalidArgumentError("It must be at most 24d.");
}

function withUnits(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    throw new InvalidArgumentError("It must be a number of seconds, or a duration such as 90s, 5m or 1h30m.");
  }
  let durationMs = 0;
  for (const [, number, unit = ""] of text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) {
    durationMs += Number(number) * (unitMs[unit] ?? 0);
  }
  return durationMs;
}

/** The same for what cannot be 0. */
export function parsePositiveDuration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs > 0) return durationMs;
  throw new InvalidArgumentError("It must be more than 0.");
}
