import { resolve } from "node:path";
import type { ConnectOptions } from "../client/mod.ts";
import {
  JMP_GRPC_INSECURE,
  JMP_GRPC_PASSPHRASE,
  JMP_GRPC_TLS_CA,
  JUMPSTARTER_GRPC_INSECURE,
  JUMPSTARTER_HOST,
} from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import { type Address, formatAddress, parseAddress } from "../rpc/mod.ts";

/** The variables that a program was started with. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The options that name an exporter elsewhere, as commander names them. */
export interface RemoteOptions {
  tlsGrpc?: string;
  tlsGrpcInsecure?: boolean;
  tlsCa?: string;
  passphrase?: string;
}

/** Where an exporter is and how to connect, here and for the `j` of a shell. */
export interface Connection {
  readonly address: Address;
  readonly options: ConnectOptions;
  /** What tells the same to `j`. */
  readonly env: Readonly<Record<string, string>>;
}

/** How the options say to connect, with what the environment adds. */
export async function remoteConnection(options: RemoteOptions, env: Env): Promise<Connection> {
  const { tlsGrpc, tlsGrpcInsecure, tlsCa } = options;
  if (tlsGrpc === undefined) {
    throw new JumpstarterError("usage", "No exporter was named", { hint: "give --tls-grpc HOST:PORT" });
  }
  if (tlsGrpcInsecure && tlsCa !== undefined) {
    throw new JumpstarterError("usage", "--tls-grpc-insecure and --tls-ca exclude each other", {
      hint: "leave one of them out",
    });
  }
  const address = parseAddress(tlsGrpc);
  const passphrase = choosePassphrase(options.passphrase, env);
  const caFile = tlsGrpcInsecure ? undefined : tlsCa ?? env[JMP_GRPC_TLS_CA];
  return {
    address,
    options: {
      insecure: tlsGrpcInsecure,
      passphrase,
      tlsCa: caFile === undefined ? undefined : await readPem(caFile, "--tls-ca"),
    },
    env: {
      [JUMPSTARTER_HOST]: formatAddress(address),
      ...(tlsGrpcInsecure ? { [JMP_GRPC_INSECURE]: "1" } : {}),
      ...(passphrase === undefined ? {} : { [JMP_GRPC_PASSPHRASE]: passphrase }),
      ...(caFile === undefined ? {} : { [JMP_GRPC_TLS_CA]: resolve(caFile) }),
    },
  };
}

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

/** Whether two environments lead `j` to the same exporter in the same way. */
export function isSameConnection(one: Env, other: Env): boolean {
  const names = [JUMPSTARTER_HOST, JMP_GRPC_INSECURE, JUMPSTARTER_GRPC_INSECURE, JMP_GRPC_PASSPHRASE, JMP_GRPC_TLS_CA];
  return names.every((name) => (one[name] ?? "") === (other[name] ?? ""));
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

/** The variables that are set. */
export function definedOnly(env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
