/** Child processes of the GOAWAY test, on whichever Deno is under test. */

import { join } from "node:path";
import { repository } from "../fixtures/place.ts";
import type { StartOptions } from "../fixtures/program.ts";

/** A Deno to run children on. */
export interface Runtime {
  readonly version: string;
  /** The native binary: npm's launcher would hide how it dies. */
  readonly path: string;
  /** A cache of its own: two versions spoil each other's. */
  readonly cache?: string;
}

/** The Deno that runs this test. */
export const running: Runtime = { version: Deno.version.deno, path: Deno.execPath() };

/** How a program is run on a Deno. */
export function startOn(runtime: Runtime): StartOptions {
  const denoOptions = runtime.cache === undefined ? [] : ["--no-lock", "--cached-only"];
  return { deno: runtime.path, denoOptions, env: cacheOf(runtime) };
}

function cacheOf({ cache }: Runtime): Record<string, string> {
  return cache === undefined ? {} : { DENO_DIR: cache };
}

/**
 * The newest Deno: the binary that JMP_NEWEST_DENO names or, with JMP_TEST_NEWEST_DENO=1, npm's latest, which needs
 * npm and its registry. Nothing when neither is set.
 */
export async function newest(): Promise<Runtime | undefined> {
  const root = `${import.meta.dirname}/../../.cache/newest-deno`;
  let path = Deno.env.get("JMP_NEWEST_DENO");
  if (path === undefined && Deno.env.get("JMP_TEST_NEWEST_DENO") === "1") {
    const quiet = ["--no-audit", "--no-fund", "--no-save", "--loglevel=error"];
    await output("npm", ["install", "--prefix", root, ...quiet, "deno@latest"]);
    for await (const { name } of Deno.readDir(`${root}/node_modules/@deno`)) {
      path = `${root}/node_modules/@deno/${name}/deno`;
    }
  }
  if (path === undefined) return undefined;
  const version = (await output(path, ["eval", "console.log(Deno.version.deno)"])).trim();
  const runtime = { version, path, cache: `${root}/deno-dir-${version}` };
  // What runs in a place cannot fetch anything: that has no settings of this machine's.
  const programs = ["cli.ts", "commands.ts", "tests/goaway/library_client.ts"].map((file) => join(repository, file));
  await output(path, ["cache", "--quiet", "--no-lock", ...programs], cacheOf(runtime));
  return runtime;
}

async function output(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, env }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** How long a child may run, so that one that hangs fails its test and does not hold it up. */
const limitMs = 120_000;

/** A script that runs in a process of its own, whose output is read line by line. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: Promise<string>;

  /** @param script Its name in this folder. */
  constructor(runtime: Runtime, script: string, ...args: string[]) {
    const config = `${import.meta.dirname}/../../deno.json`;
    this.#process = new Deno.Command(runtime.path, {
      args: ["run", "--quiet", "--no-lock", "--config", config, "-A", `${import.meta.dirname}/${script}`, ...args],
      env: cacheOf(runtime),
      signal: AbortSignal.timeout(limitMs),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = lines(this.#process.stdout);
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** The next line that it prints, or nothing when it prints no more. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : value;
  }

  /** Lets the script go on: it waits for its input to end. */
  async proceed(): Promise<void> {
    await this.#process.stdin.close().catch(() => {/* the child is dead, and its exit says all */});
  }

  /** How it ended: `exit 0`, or the code or signal and the last that it had to say. */
  async end(): Promise<string> {
    const { code, signal } = await this.#process.status;
    if (code === 0) return "exit 0";
    return `${signal ?? `exit ${code}`}: ${(await this.#errors).trim().split("\n").at(-1)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.proceed();
    await this.#process.status;
    while (await this.line() !== undefined);
    await this.#errors;
  }
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
