import { join } from "node:path";
import { privateSocket } from "../platform.ts";

/** What an exporter keeps in its runtime directory. */
export interface RuntimePaths {
  /** Where the hooks' `j` reaches it. */
  readonly socketPath: string;
  /** Where their `j` is run for them. */
  readonly agentPath: string;
  /** Where the hooks find `j`. */
  readonly binDir: string;
  /** What a hook adds to the message of the day. */
  readonly motdFile: string;
  /** Where drivers keep temporary files. */
  readonly workDir: string;
}

/** Where things are in the runtime directory `dir`. */
export function runtimePaths(dir: string): RuntimePaths {
  return {
    socketPath: privateSocket(join(dir, "hooks.sock")),
    agentPath: join(dir, "agent.sock"),
    binDir: join(dir, "bin"),
    motdFile: join(dir, "motd"),
    workDir: join(dir, "work"),
  };
}
