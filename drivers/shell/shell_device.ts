import type { CallContext } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { type OutputPiece, ScriptRun } from "./run_script.ts";
import { scriptEnvironment } from "./script_environment.ts";

/** One method: what it runs, and what may differ for it. */
export interface ShellMethod {
  /** The script. */
  readonly command: string;
  /** What it does, for `--help`. */
  readonly description?: string;
  /** How long it may take, in seconds, where that differs from the others. */
  readonly timeout?: number;
}

/** The `config` section of a shell. */
export interface ShellConfig {
  /** The scripts by method name. */
  readonly methods: Readonly<Record<string, ShellMethod>>;
  /** The program that runs scripts, with its arguments before the script. */
  readonly shell: readonly string[];
  /** How long a script may take, in seconds. */
  readonly timeout: number;
  /** Where scripts run. */
  readonly cwd?: string;
}

/** Runs the scripts of a config. Those that still run are stopped with it. */
export class ShellDevice implements AsyncDisposable {
  readonly #config: ShellConfig;
  readonly #running = new Set<ScriptRun>();

  /** Makes the device of a config; nothing runs yet. */
  constructor(config: ShellConfig) {
    this.#config = config;
  }

  /** The names of the methods, in the config's order. */
  get methods(): string[] {
    return Object.keys(this.#config.methods);
  }

  /**
   * Runs one script, with `args` as `$1`, `$2` and so on, and its own name as `$0`.
   *
   * @throws {JumpstarterError} `invalid_argument` for a method that is not configured, or an environment that a
   * client may not set; `io` when the shell cannot be started.
   */
  async *call(
    name: string,
    env: Readonly<Record<string, string>>,
    args: readonly string[],
    { signal, log }: Pick<CallContext, "signal" | "log">,
  ): AsyncGenerator<OutputPiece> {
    const { methods, shell, timeout, cwd } = this.#config;
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) throw refuse(`there is no method "${name}"; there are: ${this.methods.join(", ")}`);
    if (args.some((arg) => arg.includes("\0"))) throw refuse("an argument contains a NUL");
    const fullEnv = scriptEnvironment(Deno.env.toObject(), env);
    if (cwd !== undefined) await assertDirectory(cwd);
    log.info(`running "${name}"`);
    log.debug(`arguments of "${name}": ${JSON.stringify(args)}; variables: ${Object.keys(env).join(", ") || "none"}`);
    signal.throwIfAborted();
    await using run = this.#start({
      argv: [...shell, method.command, name, ...args],
      env: fullEnv,
      cwd,
      timeoutMs: (method.timeout ?? timeout) * 1_000,
      name,
      signal,
    });
    yield* run.pieces();
  }

  /** Stops what still runs, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((run) => run[Symbol.asyncDispose]()));
  }

  #start(script: ConstructorParameters<typeof ScriptRun>[0]): ScriptRun {
    try {
      const run = new ScriptRun(script);
      this.#running.add(run);
      run.ended.finally(() => this.#running.delete(run));
      return run;
    } catch (cause) {
      const reason = cause instanceof Deno.errors.NotFound
        ? "there is no such program"
        : cause instanceof Error
        ? cause.message
        : String(cause);
      throw new JumpstarterError("io", `cannot start "${script.argv[0]}": ${reason}`, { cause });
    }
  }
}

/** The directory is part of the config, but may come and go while the exporter runs. */
async function assertDirectory(path: string): Promise<void> {
  const isDirectory = await Deno.stat(path).then((found) => found.isDirectory, () => false);
  if (!isDirectory) throw refuse(`there is no directory "${path}" to run in`);
}

function refuse(message: string): JumpstarterError {
  return new JumpstarterError("invalid_argument", message);
}
