import { JMP_GRPC_INSECURE, JMP_GRPC_PASSPHRASE, JMP_GRPC_TLS_CA, JUMPSTARTER_GRPC_INSECURE } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import type { ConnectOptions } from "../client/mod.ts";

/** The variables that a program was started with. */
export type Env = Readonly<Record<string, string | undefined>>;

/** How the environment of a `jmp shell` or a hook says to connect. */
export async function connectionFromEnv(env: Env): Promise<ConnectOptions> {
  const isSet = (name: string) => env[name] === "1" || env[name]?.toLowerCase() === "true";
  const ca = env[JMP_GRPC_TLS_CA];
  return {
    insecure: isSet(JMP_GRPC_INSECURE) || isSet(JUMPSTARTER_GRPC_INSECURE),
    passphrase: env[JMP_GRPC_PASSPHRASE] || undefined,
    tlsCa: ca ? await readPem(ca, JMP_GRPC_TLS_CA) : undefined,
  };
}

/**
 * The passphrase of an option or of the environment; an empty one is refused later, never taken for none.
 */
export function choosePassphrase(option: string | undefined, env: Env): string | undefined {
  return option ?? env[JMP_GRPC_PASSPHRASE];
}

/**
 * Reads a PEM file that an option or variable names.
 *
 * @throws {JumpstarterError} `config`.
 */
export async function readPem(path: string, option: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : cause instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new JumpstarterError("config", `Cannot read ${option} ${path}: ${reason}`, {
      hint: "check the path",
      cause,
    });
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new JumpstarterError("config", `${option} ${path} is not a PEM file`, {
    hint: "it must hold -----BEGIN … lines; convert it with openssl",
  });
}
