/**
 * Questions to the person at the terminal. They are asked on stderr and answered on stdin, and only where both are one.
 */
import { JumpstarterError } from "../errors.ts";
import { writeErr } from "./output.ts";

/** Longer answers than this are no person's. */
const maxAnswerBytes = 4_096;

const enter = [0x0a, 0x0d], backspace = [0x08, 0x7f], interrupt = 0x03, endOfInput = 0x04, eraseLine = 0x15;

/** Whether there is a person to ask. */
export function canAsk(): boolean {
  return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

/** Asks for a line; nothing at the end of input. */
export async function askLine(question: string): Promise<string | undefined> {
  writeErr(question);
  const buffer = new Uint8Array(maxAnswerBytes);
  const length = await Deno.stdin.read(buffer);
  return length === null ? undefined : new TextDecoder().decode(buffer.subarray(0, length)).trim();
}

/**
 * Asks for a line that is not shown; nothing at the end of input.
 *
 * @throws {JumpstarterError} `cancelled` on ctrl-C.
 */
export async function askSecret(question: string): Promise<string | undefined> {
  const typed: number[] = [];
  const buffer = new Uint8Array(maxAnswerBytes);
  Deno.stdin.setRaw(true); // before the question: who answers it at once is not to be seen either
  try {
    writeErr(question);
    for (;;) {
      const length = await Deno.stdin.read(buffer);
      if (length === null) return undefined;
      for (const byte of buffer.subarray(0, length)) {
        if (enter.includes(byte)) return new TextDecoder().decode(new Uint8Array(typed));
        if (byte === interrupt) throw new JumpstarterError("cancelled", "Interrupted");
        if (byte === endOfInput && typed.length === 0) return undefined;
        if (backspace.includes(byte)) typed.pop();
        else if (byte === eraseLine) typed.length = 0;
        else if (typed.length < maxAnswerBytes) typed.push(byte);
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    writeErr("\n");
  }
}
