import { resolve } from "node:path";
import type { CommandContext } from "../driver/mod.ts";
import type { Terminal } from "../terminal.ts";
import type { ProgressTerminal } from "./progress_terminal.ts";

/** What a command of `j` gets, and what it leaves behind. */
export interface CommandTerminal {
  readonly context: CommandContext;
  /** The exit code that the command has asked for. */
  readonly exitCode: number | undefined;
}

/**
 * A terminal as commands see it. Its signal fires on ctrl-C, so that the call under way is cancelled at the exporter.
 *
 * @param wantsJson Says whether results are to be JSON; asked once the command line has been read.
 */
export function commandTerminal(terminal: ProgressTerminal, wantsJson: () => boolean): CommandTerminal {
  const { cwd, env, isInteractive } = terminal.facts;
  let exitCode: number | undefined;
  return {
    get exitCode() {
      return exitCode;
    },
    context: {
      signal: terminal.signal,
      get stdin() {
        return terminal.stdin;
      },
      isInteractive,
      get wantsJson() {
        return wantsJson();
      },
      cwd,
      path: (typed) => resolve(cwd, typed),
      env,
      writeOut: (bytes) => terminal.writeOut(bytes),
      writeErr: (bytes) => terminal.writeErr(bytes),
      notice: (line) => void terminal.writeErr(`${line}\n`),
      progress: (bytes, total) => terminal.showProgress(bytes, total),
      setExitCode: (code) => void (exitCode = code),
      rawTerminal: () => isInteractive ? rawTerminal(terminal) : undefined,
    },
  };
}

function rawTerminal(terminal: Terminal): Disposable {
  terminal.setRaw(true);
  return { [Symbol.dispose]: () => terminal.setRaw(false) };
}
