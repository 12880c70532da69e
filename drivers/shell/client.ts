/**
 * The client of the scripts that an exporter's config offers.
 *
 * @example
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { ShellClient } from "@jumpstarter/cli/shell";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const tools = exporter.driver("tools", ShellClient);
 * const code = await tools.run("flash", ["firmware.bin"], { env: { SPEED: "fast" }, onStdout: console.log });
 * ```
 *
 * @module
 */
import {
  type CallOptions,
  type ClientDefinition,
  type Command,
  type CommandInput,
  defineClient,
  DriverClient,
} from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Json } from "../../src/json.ts";

/** How {@linkcode ShellClient.run} runs a script. */
export interface RunOptions extends CallOptions {
  /** Variables to add to the script's environment. */
  env?: Readonly<Record<string, string>>;
  /** Told what the script writes to its standard output, as it comes; the next piece waits for its promise. */
  onStdout?: (text: string) => unknown;
  /** Told what the script writes to its standard error, in the same way. */
  onStderr?: (text: string) => unknown;
}

/** Runs scripts on the exporter's machine. */
export class ShellClient extends DriverClient {
  /**
   * The names of the methods that the config has scripts for. Python exporters have `yes:` and `1:` for a truth value and
   * a number, and cannot run their scripts: these are left out.
   */
  async methods(options?: CallOptions): Promise<string[]> {
    const names = await this.call("get_methods", [], options);
    if (Array.isArray(names)) return names.filter((name) => typeof name === "string");
    throw new JumpstarterError("driver", `not a list of methods: ${JSON.stringify(names)}`);
  }

  /**
   * Runs the script of a method and answers its exit code: 128 and the signal's number when a signal ended it, 199
   * when its time was up. The script is stopped when the call is given up.
   *
   * @param args What the script sees as `$1`, `$2` and so on.
   */
  async run(method: string, args: readonly string[] = [], options: RunOptions = {}): Promise<number> {
    const { env = {}, onStdout, onStderr, ...limits } = options;
    let exitCode: number | undefined;
    for await (const piece of this.callStream("call_method", [method, { ...env }, ...args], limits)) {
      const [stdout, stderr, code] = parsePiece(piece);
      if (stdout !== "") await onStdout?.(stdout);
      if (stderr !== "") await onStderr?.(stderr);
      if (code !== null) exitCode = code;
    }
    if (exitCode === undefined) throw new JumpstarterError("driver", `"${method}" has ended without an exit code`);
    return exitCode < 0 ? 128 - exitCode : exitCode;
  }
}

/** How `j` runs scripts: each method is a command. */
export const shellClient: ClientDefinition = defineClient<ShellClient>({
  label: "jumpstarter_driver_shell.client.ShellClient",
  summary: "Scripts on the exporter's machine",
  client: ShellClient,
  commands: async (shell) => (await shell.methods()).map(methodCommand),
});

function methodCommand(name: string): Command<ShellClient> {
  return {
    name,
    summary: `Run the script "${name}"`,
    method: name,
    args: [{ name: "args", optional: true, variadic: true, summary: "What the script sees as $1, $2 and so on" }],
    options: [{
      name: "env",
      short: "e",
      type: "string",
      repeatable: true,
      summary: "A variable for the script, as NAME=VALUE; stands before the arguments",
    }],
    // Whatever looks like an option after the first argument is the script's.
    passThrough: true,
    async run(shell, { args, options }, { signal, wantsJson, writeOut, writeErr, setExitCode }) {
      const encoder = new TextEncoder();
      const writeJson = (piece: Json) => writeOut(encoder.encode(`${JSON.stringify(piece)}\n`));
      const exitCode = await shell.run(name, Array.isArray(args.args) ? args.args : [], {
        env: parseEnv(options.env),
        onStdout: (text) => wantsJson ? writeJson({ stdout: text }) : writeOut(encoder.encode(text)),
        onStderr: (text) => wantsJson ? writeJson({ stderr: text }) : writeErr(encoder.encode(text)),
        signal,
      });
      setExitCode(exitCode);
      if (wantsJson) return { exitCode };
    },
  };
}

function parseEnv(given: CommandInput["options"][string]): Record<string, string> {
  const words = Array.isArray(given) ? given as readonly string[] : [];
  return Object.fromEntries(words.map((word) => {
    const equals = word.indexOf("=");
    if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
    throw new JumpstarterError("usage", `"${word}" sets no variable`, { hint: "write it as NAME=VALUE" });
  }));
}

function parsePiece(piece: Json): [stdout: string, stderr: string, code: number | null] {
  const [stdout, stderr, code] = Array.isArray(piece) ? piece : [];
  if (typeof stdout === "string" && typeof stderr === "string" && (code === null || typeof code === "number")) {
    return [stdout, stderr, code];
  }
  throw new JumpstarterError("driver", `not a piece of output: ${JSON.stringify(piece)}`);
}
