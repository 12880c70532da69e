/**
 * Streams bytes through a program such as `xz -dc`: it checks what it reads, runs on a core of its own, and is there
 * on nearly every machine.
 */
import { childEnd } from "../child_end.ts";
import { JumpstarterError } from "../errors.ts";

/** A program that turns what it reads into what it writes. */
export interface Tool {
  /** Its name, looked up on the PATH. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

/** How much of what a tool says on stderr is kept for the message. */
const COMPLAINT_CHARS_MAX = 500;

/** What xz, bzip2 and zstd put before the reason: who they are, what they read, and a number. */
const PREAMBLE = /^(?:[^\s:]+: )?(?:\(stdin\): |\/\*stdin\*\\ ?: )?(?:\w+ error \(\d+\) : )?/;
/** What follows the reason: nobody ignores what bzip2 says that it does. */
const CLOSING = /[;.]$| ignored$/;

/** Whether `tool` is there and may be run. Asks it for its version, which takes a few milliseconds. */
export async function hasTool({ command }: Tool): Promise<boolean> {
  try {
    const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(command, { args: ["--version"], clearEnv: true, ...stdio }).output()).success;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** Starts `tool`, or answers nothing when it is not there or may not be run. */
export function startTool({ command, args }: Tool): Deno.ChildProcess | undefined {
  try {
    // A cleared environment keeps XZ_OPT and its like out, and is what Deno asks for when LD_LIBRARY_PATH is set.
    const stdio = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    return new Deno.Command(command, { args: [...args], clearEnv: true, ...stdio }).spawn();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * What `child` makes of `bytes`. The stream errs when the bytes break off, and when the tool fails or complains:
 * bzip2 ends with success where garbage follows the data, and only says so. Cancelling it ends the child.
 */
export function streamThrough(bytes: ReadableStream<Uint8Array>, child: Deno.ChildProcess): ReadableStream<Uint8Array> {
  const source = bytes.getReader();
  const output = child.stdout.getReader();
  const complaint = readText(child.stderr);
  const fed = feed(source, child.stdin.getWriter());
  // Looked at when the tool has ended; until then a failure is not an unhandled one.
  fed.catch(() => {});

  const end = async (reason: unknown) => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    // Whoever cancels wants to know of no failure, only that all has ended.
    await Promise.allSettled([source.cancel(reason), output.cancel(reason)]);
    await Promise.allSettled([child.status, fed, complaint]);
  };

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await output.read();
      if (value !== undefined) return controller.enqueue(value);
      const [{ success, code, signal }, said] = await Promise.all([childEnd(child), complaint]);
      const hasFailed = !success || said !== "";
      // A tool that failed reads no more, so what still comes from the source must not be waited for.
      const tooEarly = new JumpstarterError("cancelled", "the tool has ended");
      if (hasFailed) await source.cancel(tooEarly).catch(() => {/* told by what has been fed */});
      // The source's own fault comes first: the tool only saw its bytes end.
      await fed;
      if (hasFailed) throw new Error(reasonOf(said) || signal || `exit status ${code}`);
      controller.close();
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

/** Writes the source to the child, and errs when the source does. A child that reads no more tells why by itself. */
async function feed(
  source: ReadableStreamDefaultReader<Uint8Array>,
  stdin: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  let isTaken = true;
  try {
    while (isTaken) {
      const { value } = await source.read();
      if (value === undefined) break;
      isTaken = await stdin.write(value).then(() => true, () => false);
    }
  } finally {
    await stdin.close().catch(() => {/* the tool reads no more, and tells why */});
  }
}

/** The first part of what a tool says; the rest is read and forgotten, or the tool would wait for its reader. */
async function readText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    if (text.length < COMPLAINT_CHARS_MAX) text += decoder.decode(chunk, { stream: true });
  }
  return text.trim().slice(0, COMPLAINT_CHARS_MAX);
}

/** Why a tool has failed, as it says itself: bzip2 goes on for a paragraph, of which only the first line is true. */
function reasonOf(complaint: string): string {
  const [line = ""] = complaint.split("\n", 1);
  const reason = line.trim().replace(PREAMBLE, "").replace(CLOSING, "");
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}

function isAbsence(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable;
}
