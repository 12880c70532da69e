import { withBinDir } from "../child_path.ts";
import {
  JMP_AGENT,
  JMP_DRIVERS_ALLOW,
  JMP_HOLD,
  JUMPSTARTER_GRPC_INSECURE,
  JUMPSTARTER_HOST,
  LEASE_NAME,
} from "../env.ts";

/** What a hook is told about the lease that it runs for. */
export interface HookFacts {
  /** The socket, of this user alone, on which the exporter serves its hooks. */
  socketPath: string;
  /** The lease's name; `standalone` in direct mode. */
  leaseName: string;
  /** The client's name; empty when it is not known. */
  clientName: string;
  /** The directory with the `j` and `jmp` that belong to this exporter; see {@linkcode placeShims}. */
  binDir: string;
  /** The file whose contents join the message of the day. */
  motdFile?: string;
  /** Further variables; they win over all others, except that `binDir` is still first on the PATH. */
  extra?: Readonly<Record<string, string>>;
}

/**
 * The complete environment of a hook: `base`, with what leads `j` to the exporter and keeps programs from asking
 * questions that nobody would answer.
 *
 * How `base` reaches some exporter (`JMP_GRPC_*`) is left out: a hook talks to its own exporter's socket, which is
 * trusted and plaintext, and the settings of another connection would only break that. So is `PS1`, since a
 * prompt makes some scripts believe that a user is there.
 */
export function hookEnvironment(base: Readonly<Record<string, string>>, facts: HookFacts): Record<string, string> {
  const env: Record<string, string> = {
    ...Object.fromEntries(Object.entries(base).filter(([name]) => !isOuterSetting(name))),
    [JUMPSTARTER_HOST]: facts.socketPath,
    [JMP_DRIVERS_ALLOW]: "UNSAFE",
    [LEASE_NAME]: facts.leaseName,
    CLIENT_NAME: facts.clientName,
    TERM: "dumb",
    NO_COLOR: "1",
    DEBIAN_FRONTEND: "noninteractive",
    GIT_TERMINAL_PROMPT: "0",
  };
  if (facts.motdFile !== undefined) env.JMP_MOTD_FILE = facts.motdFile;
  Object.assign(env, facts.extra);
  return withBinDir(env, facts.binDir);
}

/** The motd file and the agent are the hook's own, too: those from outside would belong to another exporter. */
function isOuterSetting(name: string): boolean {
  return ["PS1", "JMP_MOTD_FILE", JMP_AGENT, JMP_HOLD, JUMPSTARTER_GRPC_INSECURE].includes(name) ||
    name.startsWith("JMP_GRPC_");
}
