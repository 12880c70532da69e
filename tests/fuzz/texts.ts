/** Texts that are nearly right: those of the examples, with pieces of them and of YAML put where they do not belong. */
import fc from "fast-check";

const pieces = [
  ...["export:", "ref: ", "type: ", "children:", "hooks:", "metadata:", "name: ", "config:", "script: |", "timeout: "],
  ...[
    "__proto__: ",
    "constructor: ",
    "toString",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "!!int ",
    "!!python/object:os.system ",
    "!x ",
  ],
  ...[
    "\n",
    "\n  ",
    "\n- ",
    "\n\t",
    ": ",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "|",
    ">",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
  ],
  ...["#", "@", "~", "\ufeff", "\r\n", "\0", "\ud800", "\u2028", "1e999", "0x", ".inf", "2001-01-01", "on", "null"],
];

/** One change to a text: at which part of it, how much goes, and what comes. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  goes: fc.nat({ max: 40 }),
  comes: fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 12 })),
});

/** Texts made from one of these. */
export function changedTexts(originals: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom("", ...originals), fc.array(change, { minLength: 1, maxLength: 12 })).map(
    ([original, changes]) =>
      changes.reduce((text, { at, goes, comes }) => {
        const start = Math.floor(at * text.length);
        return text.slice(0, start) + comes + text.slice(start + goes);
      }, original),
  );
}
