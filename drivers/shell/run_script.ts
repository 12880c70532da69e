import type { ChildEnd } from "../../src/child_end.ts";
import { ChildGroup } from "../../src/child_group.ts";
import { guardAgainstDeath } from "../../src/death_guard.ts";
import { PipeReader } from "./pipe_reader.ts";

/** What a script has written since the last such piece; the last piece has its exit code, and no other has. */
export type OutputPiece = [stdout: string, stderr: string, exitCode: number | null];

/** What is to run, and how long it may take. */
export interface Script {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** The complete environment. */
  readonly env: Record<string, string>;
  /** Where it runs. */
  readonly cwd?: string;
  /** When it is stopped. */
  readonly timeoutMs: number;
  /** What it is called in messages. */
  readonly name: string;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** The exit code that stands for a time-out; the Python implementation's. */
const timedOutCode = 199;
/** How long a script has to end itself after SIGTERM, in milliseconds. */
const killGraceMs = 5_000;
/** The longest time that a timer can wait; a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A script that runs. Nothing of its process group outlives it, or this program. */
export class ScriptRun implements AsyncDisposable {
  readonly #group: ChildGroup;
  readonly #guard: AsyncDisposable | undefined;
  readonly #script: Script;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #onAbort = () => void this.#stop();
  readonly #ended = Promise.withResolvers<void>();
  #hasTimedOut = false;
  #stopped: Promise<void> | undefined;

  /**
   * Starts a script.
   *
   * @throws What `Deno.Command.spawn` throws.
   */
  constructor(script: Script) {
    const { argv, env, cwd, timeoutMs, signal } = script;
    this.#script = script;
    this.#group = ChildGroup.start(argv, { env, cwd, killGraceMs });
    this.#guard = guardAgainstDeath(this.#group.pid, { env, killGraceMs });
    // Both reach the script also while nobody asks for its output.
    this.#timer = setTimeout(() => {
      this.#hasTimedOut = true;
      void this.#stop();
    }, Math.min(timeoutMs, longestTimerMs));
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  /** Settles when nothing of the script is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Its output, as it comes, and then how it ended. Output is read only when the next piece is asked for, so that
   * nobody's reading stops the script's writing.
   */
  async *pieces(): AsyncGenerator<OutputPiece> {
    const [stdout, stderr] = this.#group.pipes;
    if (stdout === undefined || stderr === undefined) return;
    await using output = new PipeReader(stdout, stderr);
    const ended = this.#group.end;
    for await (const [out, err] of output.until(ended)) yield [out, err, null];
    const end = await ended;
    // What the script has left in the background goes with it, and is heard out first.
    for await (const [out, err] of output.rest()) yield [out, err, null];
    await this.#stop();
    for await (const [out, err] of output.rest()) yield [out, err, null];
    this.#script.signal.throwIfAborted();
    const [out, err] = output.flush();
    if (out !== "" || err !== "") yield [out, err, null];
    if (this.#hasTimedOut) yield ["", this.#timeOutMessage(), timedOutCode];
    else yield ["", "", exitCodeOf(end)];
  }

  /** Ends the script and all that it has started, and waits until they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  #stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#script.signal.removeEventListener("abort", this.#onAbort);
    return this.#stopped ??= this.#end().finally(() => this.#ended.resolve());
  }

  async #end(): Promise<void> {
    await using _guard = this.#guard;
    await this.#group.stop();
  }

  #timeOutMessage(): string {
    const { name, timeoutMs } = this.#script;
    return `\n"${name}" took longer than ${timeoutMs / 1_000} s and was stopped\n`;
  }
}

/** A script that a signal ended has that signal's negative number, as the Python implementation has it. */
function exitCodeOf({ code, signal }: ChildEnd): number {
  return signal === null ? code : 128 - code;
}
