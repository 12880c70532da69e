import { JMP_GRPC_PASSPHRASE } from "../../src/env.ts";
import { JumpstarterError } from "../../src/errors.ts";

/**
 * Variables by which a client could have a script run programs or libraries of its own choosing, as far as they are
 * widely known: shells', interpreters' and tools'.
 */
const blockedNames: ReadonlySet<string> = new Set([
  "BASHOPTS",
  "EDITOR",
  "ENV",
  "GCONV_PATH",
  "GNUMAKEFLAGS",
  "HOME",
  "JAVA_TOOL_OPTIONS",
  "JDK_JAVA_OPTIONS",
  "KUBECONFIG",
  "LESSCLOSE",
  "LESSOPEN",
  "MAKEFILES",
  "MAKEFLAGS",
  "NODE_OPTIONS",
  "NODE_PATH",
  "PAGER",
  "PATH",
  "PROMPT_COMMAND",
  "PS4",
  "PYTHONBREAKPOINT",
  "PYTHONHOME",
  "PYTHONPATH",
  "PYTHONSTARTUP",
  "PYTHONUSERBASE",
  "PYTHONWARNINGS",
  "RSYNC_RSH",
  "RUBYLIB",
  "RUBYOPT",
  "SHELLOPTS",
  "TAR_OPTIONS",
  "VISUAL",
  "XDG_CONFIG_HOME",
  "ZDOTDIR",
  "_JAVA_OPTIONS",
]);
/** The same for whole families of them. */
const blockedPrefixes: readonly string[] = [
  "BASH_",
  "DYLD_",
  "GIT_ASKPASS",
  "GIT_CONFIG",
  "GIT_EDITOR",
  "GIT_EXEC_PATH",
  "GIT_EXTERNAL_DIFF",
  "GIT_PAGER",
  "GIT_PROXY_COMMAND",
  "GIT_SEQUENCE_EDITOR",
  "GIT_SSH",
  "GIT_TEMPLATE_DIR",
  "LD_",
  "LUA_",
  "OPENSSL_",
  "PERL5",
  "PERLLIB",
  "SSH_ASKPASS",
];

const namePattern = /^[\p{XID_Start}_]\p{XID_Continue}*$/u;

/**
 * The complete environment of a script: the exporter's own, with what the client adds. The passphrase that opens the
 * exporter is not a script's business.
 *
 * @throws {JumpstarterError} `invalid_argument` for a name that is none, or that a client may not set.
 */
export function scriptEnvironment(
  own: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const [name, value] of Object.entries(added)) {
    if (!namePattern.test(name)) throw refuse(`"${name}" cannot be the name of an environment variable`);
    if (blockedNames.has(name) || blockedPrefixes.some((prefix) => name.startsWith(prefix))) {
      throw refuse(`the environment variable "${name}" is not for clients to set`);
    }
    if (value.includes("\0")) throw refuse(`the value of the environment variable "${name}" contains a NUL`);
  }
  const env: Record<string, string> = { ...own, ...added };
  if (!Object.hasOwn(added, JMP_GRPC_PASSPHRASE)) delete env[JMP_GRPC_PASSPHRASE];
  return env;
}

function refuse(message: string): JumpstarterError {
  return new JumpstarterError("invalid_argument", message);
}
