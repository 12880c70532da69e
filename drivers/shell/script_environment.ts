import { JMP_GRPC_PASSPHRASE } from "../../src/env.ts";
import { JumpstarterError } from "../../src/errors.ts";

/** Variables by which a client could have a script run programs or libraries of its own choosing. */
const blockedNames: ReadonlySet<string> = new Set([
  "BASH_ENV",
  "HOME",
  "KUBECONFIG",
  "LD_LIBRARY_PATH",
  "LD_PRELOAD",
  "PATH",
  "PYTHONPATH",
]);
/** The same for whole families of them: the dynamic linker's, and functions that bash takes from its environment. */
const blockedPrefixes: readonly string[] = ["LD_", "BASH_FUNC_"];

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
