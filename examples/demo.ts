/**
 * The main job, with nothing configured: an exporter on a free port, clients that switch its power, and a stop that
 * runs the last hook. Every command is run as it is shown.
 *
 * @module
 */
const root = new URL("../", import.meta.url);
const config = "examples/example-direct.yaml";
/** The first run downloads packages. */
const limitMs = 180_000;
/** How long a command that was told to stop may take. */
const stopLimitMs = 15_000;

/** A command that runs: its lines are shown as they come, and can be waited for. */
class Running implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #shown: Promise<unknown>;
  #lines: string[] = [];
  #onLine = () => {};

  constructor(args: readonly string[], prefix: string) {
    this.#name = `jmp ${args[0]}`;
    console.log(`\n$ jmp ${args.map(quoted).join(" ")}`);
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", "cli.ts", ...args],
      cwd: root,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr } = this.#child;
    this.#shown = Promise.all([stdout, stderr].map(async (pipe) => {
      for await (const line of linesOf(pipe)) {
        console.log(`${prefix}${line}`);
        this.#lines.push(line);
        this.#onLine();
      }
    }));
  }

  /** Waits for a line that was not waited for yet; answers the pattern's first group. */
  async says(pattern: RegExp): Promise<string> {
    const ended = this.#shown.then(() => "ended" as const);
    while (true) {
      const index = this.#lines.findIndex((line) => pattern.test(line));
      const line = this.#lines[index];
      if (line !== undefined) {
        this.#lines = this.#lines.slice(index + 1);
        return pattern.exec(line)?.[1] ?? line;
      }
      const more = new Promise<void>((resolve) => this.#onLine = resolve);
      if (await Promise.race([more, ended]) === "ended") {
        const { code } = await this.#child.status;
        throw new Error(`${this.#name} ended early, with exit code ${code}`);
      }
    }
  }

  /** Asks it to stop, as ctrl-C or a service manager would. */
  stop(): void {
    this.#child.kill("SIGTERM");
  }

  /** Waits for its end, which must be a good one. */
  async succeeds(): Promise<void> {
    const [{ code }] = await Promise.all([this.#child.status, this.#shown]);
    if (code !== 0) throw new Error(`${this.#name} ended with exit code ${code}`);
  }

  /** Leaves nothing behind, however the demo went. */
  async [Symbol.asyncDispose](): Promise<void> {
    const kill = (signal: Deno.Signal) => {
      try {
        this.#child.kill(signal);
      } catch {
        // It has ended already.
      }
    };
    kill("SIGTERM");
    const timer = setTimeout(() => kill("SIGKILL"), stopLimitMs);
    await this.#child.status;
    clearTimeout(timer);
  }
}

async function* linesOf(pipe: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of pipe.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function quoted(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`;
}

/** Downloads what is not here yet, so that no command has to in the midst of its own output. */
async function prepare(stop: AbortSignal): Promise<void> {
  const args = ["run", "-A", "cli.ts", "version"];
  const first = new Deno.Command(Deno.execPath(), { args, cwd: root, stdin: "null", stdout: "null", signal: stop });
  const { code } = await first.spawn().status;
  stop.throwIfAborted();
  if (code !== 0) throw new Error(`jmp cannot start: exit code ${code}`);
}

/** Runs the demo until `stop` fires. */
async function demo(stop: AbortSignal): Promise<void> {
  const within = <T>(step: Promise<T>) => Promise.race([step, rejection(stop)]);

  await prepare(stop);
  console.log("# jmp stands for: deno run -A cli.ts");
  console.log("# An exporter serves the devices of a config. Its first hook switches the power on.");
  const listener = ["--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  await using exporter = new Running(["run", "--exporter-config", config, ...listener], "exporter | ");
  const address = await within(exporter.says(/Listening on (\S+)/));
  await within(exporter.says(/Ready: /));

  console.log("\n# A client runs a command in which j drives these devices.");
  const shell = async (...command: string[]) => {
    await using client = new Running(["shell", "--tls-grpc", address, "--tls-grpc-insecure", "--", ...command], "");
    await within(client.succeeds());
  };
  await shell("j", "power", "read");
  await shell("sh", "-c", "j power cycle --wait 0.5; j power off");
  for (const state of ["off", "on", "off"]) await within(exporter.says(new RegExp(`power ${state}$`)));

  console.log("\n# SIGTERM stops the exporter. Its last hook runs, and it ends with exit code 0.");
  exporter.stop();
  await within(exporter.says(/Stopped/));
  await within(exporter.succeeds());
  console.log("\n# That was all. Next: README.md, or deno run -A cli.ts --help");
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Fires when the demo must end early, with the reason. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`not done after ${limitMs / 1_000} s`)), limitMs);
  Deno.unrefTimer(timer);
  const names: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) Deno.addSignalListener(name, () => stop.abort(new Error(`interrupted by ${name}`)));
  return stop.signal;
}

try {
  await demo(stopSignal());
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
