import assert from "node:assert/strict";
import { EscapeSequence } from "./escape_sequence.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Types each of `reads`; answers what is sent, and how many reads it took to leave. */
function type(...reads: string[]) {
  const escape = new EscapeSequence();
  let sent = "";
  for (const [index, read] of reads.entries()) {
    const { bytes: passed, isComplete } = escape.feed(bytes(read));
    sent += text(passed);
    if (isComplete) return { sent, leftAt: index };
  }
  return { sent, leftAt: undefined };
}

Deno.test("ctrl-B three times leaves, however the keys come", () => {
  assert.deepEqual(type("\x02", "\x02", "\x02"), { sent: "\x02\x02", leftAt: 2 });
  assert.deepEqual(type("\x02\x02\x02"), { sent: "\x02\x02", leftAt: 0 });
  assert.deepEqual(type("reboot\r\x02", "\x02\x02more"), { sent: "reboot\r\x02\x02", leftAt: 1 });
  assert.deepEqual(type("\x02\x02\x02\x02"), { sent: "\x02\x02", leftAt: 0 });
});

Deno.test("a key in between starts it anew, and everything is sent", () => {
  assert.deepEqual(type("\x02\x02", "x", "\x02"), { sent: "\x02\x02x\x02", leftAt: undefined });
  assert.deepEqual(type("\x02x\x02\x02x\x02"), { sent: "\x02x\x02\x02x\x02", leftAt: undefined });
  assert.deepEqual(type("gr\u00fc\u00df\u20ac", "\u{1f600}"), {
    sent: "gr\u00fc\u00df\u20ac\u{1f600}",
    leftAt: undefined,
  });
});
