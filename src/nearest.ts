/**
 * The known names that are nearest to a mistyped one.
 *
 * @module
 */
import { distance } from "fastest-levenshtein";

/**
 * The names of `known` that `name` was probably meant to be, nearest first, at most three. Case is ignored, and a
 * name that shares its last dotted part with `name` counts as near, since a driver type is mistyped in its package
 * more often than in its class.
 */
export function nearest(name: string, known: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  const lastPart = (text: string) => text.slice(text.lastIndexOf(".") + 1);
  return [...known]
    .map((candidate) => {
      const text = candidate.toLowerCase();
      const whole = distance(wanted, text);
      const limit = Math.max(2, Math.floor(text.length / 4));
      const sameEnd = text.includes(".") && lastPart(wanted) === lastPart(text);
      return { candidate, whole, isNear: whole <= limit || sameEnd };
    })
    .filter(({ isNear }) => isNear)
    .sort((a, b) => a.whole - b.whole)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}
