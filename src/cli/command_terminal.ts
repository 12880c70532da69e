import { resolve } from "node:path";
import type { CommandContext } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Env } from "./connection_options.ts";
import { writeErr, writeErrBytes, writeOutBytes } from "./output.ts";
import { createProgressLine } from "./progress_line.ts";

/** What a command of `j` gets, and what it leaves behind. */
export interface CommandTerminal extends Disposable {
  readonly context: CommandContext;
  /** The exit code that the command has asked for. */
  readonly exitCode: number | undefined;
}

/** The terminal that `j` runs on. Its signal fires on ctrl-C, so that the call under way is cancelled at the exporter. */
export function commandTerminal(env: Env): CommandTerminal {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new JumpstarterError("cancelled", "Interrupted"));
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  const progress = createProgressLine();
  const isInteractive = Deno.stdin.isTerminal();
  const cwd = Deno.cwd();
  let exitCode: number | undefined;
  return {
    get exitCode() {
      return exitCode;
    },
    context: {
      signal: interrupted.signal,
      get stdin() {
        return Deno.stdin.readable;
      },
      isInteractive,
      cwd,
      path: (typed) => resolve(cwd, typed),
      env,
      writeOut: (bytes) => Promise.resolve(writeOutBytes(bytes)),
      writeErr: (bytes) => Promise.resolve(writeErrBytes(bytes)),
      notice: (line) => writeErr(`${line}\n`),
      progress: (bytes, total) => progress.show(bytes, total),
      setExitCode: (code) => void (exitCode = code),
      rawTerminal: () => isInteractive ? rawTerminal() : undefined,
    },
    [Symbol.dispose]() {
      progress.clear();
      for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
    },
  };
}

function rawTerminal(): Disposable {
  Deno.stdin.setRaw(true);
  return { [Symbol.dispose]: () => Deno.stdin.setRaw(false) };
}
