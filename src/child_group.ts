import { type ChildEnd, childEnd } from "./child_end.ts";
import { isWindows } from "./platform.ts";

/** The first and the longest pause between two looks whether the group is gone; each pause doubles the one before. */
const firstPauseMs = 10;
const longestPauseMs = 250;
/** How long to wait for a group after SIGKILL: only what hangs inside the kernel, or waits to be reaped, outlasts it. */
const killedWaitMs = 1000;

/** What {@linkcode ChildGroup.start} needs. */
export interface ChildGroupOptions {
  /** The complete environment of the child. */
  env: Record<string, string>;
  /** Where it runs. */
  cwd?: string;
  /** How long {@linkcode ChildGroup.stop} waits between SIGTERM and SIGKILL. */
  killGraceMs: number;
}

/**
 * A child in a session of its own, and whatever it starts: one signal reaches all of them, and a signal that the
 * terminal sends to this program reaches none.
 *
 * A program that makes itself a session of its own (`setsid`) leaves the group and is not reached any more. Where the
 * system has no such groups (Windows), only the child itself is.
 */
export class ChildGroup implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #end: Promise<ChildEnd>;
  readonly #killGraceMs: number;
  #hasExited = false;
  #isReleased = false;

  /**
   * Starts `argv`.
   *
   * @throws What `Deno.Command.spawn` throws.
   */
  static start(argv: readonly string[], { env, cwd, killGraceMs }: ChildGroupOptions): ChildGroup {
    const [program = "", ...args] = argv;
    const child = new Deno.Command(program, {
      args,
      cwd,
      env,
      clearEnv: true,
      detached: !isWindows, // where it would have no console, and its own children would open new ones
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new ChildGroup(child, killGraceMs);
  }

  private constructor(child: Deno.ChildProcess, killGraceMs: number) {
    this.#child = child;
    this.#killGraceMs = killGraceMs;
    this.#end = childEnd(child);
    this.#end.then(() => this.#hasExited = true);
  }

  /** The id of the child, and of its group where there are groups. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How the child itself ended. */
  get end(): Promise<ChildEnd> {
    return this.#end;
  }

  /** The pipes that the child writes to. */
  get pipes(): readonly ReadableStream<Uint8Array>[] {
    return [this.#child.stdout, this.#child.stderr];
  }

  /** Leaves what is still running to itself: disposing will not stop it. */
  release(): void {
    this.#isReleased = true;
  }

  /** Ends the whole group, by SIGTERM and after the grace time by SIGKILL, and waits until it is gone. */
  async stop(): Promise<void> {
    if (!await this.#reach("SIGTERM")) return;
    if (await this.#isGoneWithin(this.#killGraceMs)) return;
    await this.#reach("SIGKILL");
    await this.#isGoneWithin(killedWaitMs);
    // Should even SIGKILL not end it, this program must be able to.
    if (!this.#hasExited) this.#child.unref();
  }

  /** Stops the group, unless it was released. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isReleased) await this.stop();
  }

  async #isGoneWithin(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (let pauseMs = firstPauseMs;; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      if (!await this.#reach(0)) return true;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
    }
  }

  /** Signals the group (0 only looks), and says whether there was anything to signal. */
  async #reach(signal: "SIGTERM" | "SIGKILL" | 0): Promise<boolean> {
    if (isWindows) return this.#reachChild(signal);
    // Under a list of programs (`--allow-run=/bin/sh`) Deno lets a program signal its own children only, not their
    // group. Asking first keeps Deno from asking the user.
    if (Deno.permissions.querySync({ name: "run" }).state !== "granted") return await this.#reachByShell(signal);
    try {
      Deno.kill(-this.#child.pid, signal);
      return true;
    } catch {
      // Nobody is left, or nobody that may be signalled (a program of another user): either way nothing can be done.
      return false;
    }
  }

  /** The shell's own `kill` does it where Deno may not; without a shell the child alone is signalled. */
  async #reachByShell(signal: "SIGTERM" | "SIGKILL" | 0): Promise<boolean> {
    const name = signal === 0 ? "0" : signal.slice("SIG".length);
    const shell = { name: "run", command: "/bin/sh" } as const;
    if (Deno.permissions.querySync(shell).state !== "granted") return this.#reachChild(signal);
    const { success } = await new Deno.Command(shell.command, {
      args: ["-c", 'kill -s "$1" -- "-$2"', "sh", name, String(this.#child.pid)],
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  }

  #reachChild(signal: "SIGTERM" | "SIGKILL" | 0): boolean {
    if (this.#hasExited) return false;
    if (signal !== 0) this.#child.kill(signal);
    return true;
  }
}
