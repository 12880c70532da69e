import { isAbsolute, join } from "node:path";
import { JumpstarterError } from "../errors.ts";
import { homeDir } from "../platform.ts";

/**
 * Where this program keeps what it must find again: `$XDG_STATE_HOME/jumpstarter`, else
 * `~/.local/state/jumpstarter`.
 *
 * @param env The variables that the program was started with.
 * @throws {JumpstarterError} `config` when neither variable is set.
 */
export function stateDir(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: state = "" } = env;
  const home = homeDir(env);
  // The specification of these variables has relative paths ignored.
  if (isAbsolute(state)) return join(state, "jumpstarter");
  if (home !== undefined) return join(home, ".local", "state", "jumpstarter");
  throw new JumpstarterError("config", "There is no folder to keep certificates in: HOME is not set", {
    hint: "set XDG_STATE_HOME to a folder of this user",
  });
}
