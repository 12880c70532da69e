import { resolve } from "node:path";
import type { ConnectOptions } from "../client/mod.ts";
import * as names from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import { parseFingerprint } from "../fingerprint.ts";
import type { KeyedPem } from "../pem.ts";
import { type Address, formatAddress, parseAddress } from "../address.ts";
import { choosePassphrase, type PassphraseOptions } from "./passphrase_source.ts";
import { readAuthorities, readPair } from "./pem_files.ts";

/** The variables that a program was started with. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The options that name an exporter elsewhere, as commander names them. */
export interface RemoteOptions extends PassphraseOptions {
  tlsGrpc?: string;
  tlsGrpcInsecure?: boolean;
  tlsCa?: string;
  tlsFingerprint?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
  knownExporters?: string;
  /** In milliseconds. */
  connectTimeout?: number;
}

/** Where an exporter is and how to connect, here and for the `j` of a shell. */
export interface Connection {
  readonly address: Address;
  readonly options: ConnectOptions;
  /** What tells the same to `j`. */
  readonly env: Readonly<Record<string, string>>;
}

/** What leads `j` to its exporter: it is the same exporter in the same way when all of these are the same. */
const leading: readonly string[] = [
  names.JUMPSTARTER_HOST,
  names.JMP_GRPC_INSECURE,
  names.JUMPSTARTER_GRPC_INSECURE,
  names.JMP_GRPC_PASSPHRASE,
  names.JMP_GRPC_TLS_CA,
  names.JMP_GRPC_TLS_FINGERPRINT,
  names.JMP_GRPC_TLS_CLIENT_CERT,
  names.JMP_GRPC_TLS_CLIENT_KEY,
  names.JMP_HOLD,
];

/** The options that only TLS has a use for. */
const tlsOptions = {
  tlsCa: "--tls-ca",
  tlsFingerprint: "--tls-fingerprint",
  tlsClientCert: "--tls-client-cert",
  tlsClientKey: "--tls-client-key",
  knownExporters: "--known-exporters",
} as const;

/** What of an exporter's TLS the options or the environment name: files as paths. */
interface NamedTrust {
  readonly ca?: string;
  readonly fingerprint?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** How the options say to connect, with what the environment adds. */
export async function remoteConnection(options: RemoteOptions, env: Env): Promise<Connection> {
  const { tlsGrpc, tlsGrpcInsecure = false } = options;
  if (tlsGrpc === undefined) {
    throw new JumpstarterError("usage", "No exporter was named", { hint: "give --tls-grpc HOST:PORT" });
  }
  const [useless] = namedOptions(options);
  if (tlsGrpcInsecure && useless !== undefined) {
    throw new JumpstarterError("usage", `--tls-grpc-insecure and ${useless} exclude each other`, {
      hint: "leave one of them out",
    });
  }
  const address = parseAddress(tlsGrpc);
  const passphrase = await choosePassphrase(options, env);
  const trust = tlsGrpcInsecure ? {} : namedTrust(options, env);
  // The secret of a hold is for the exporter alone that the surrounding shell is connected to.
  const holdToken = env[names.JUMPSTARTER_HOST] === formatAddress(address) ? env[names.JMP_HOLD] : undefined;
  return {
    address,
    options: {
      insecure: tlsGrpcInsecure,
      passphrase,
      holdToken,
      connectTimeoutMs: options.connectTimeout,
      ...await readTrust(trust, optionNames),
    },
    env: {
      [names.JUMPSTARTER_HOST]: formatAddress(address),
      [names.JMP_LEASE]: "direct", // a test of the Python implementation's may look for it
      ...(tlsGrpcInsecure ? { [names.JMP_GRPC_INSECURE]: "1" } : {}),
      ...definedOnly({
        [names.JMP_GRPC_PASSPHRASE]: passphrase,
        [names.JMP_HOLD]: holdToken,
        [names.JMP_GRPC_TLS_CA]: trust.ca && resolve(trust.ca),
        [names.JMP_GRPC_TLS_FINGERPRINT]: trust.fingerprint,
        [names.JMP_GRPC_TLS_CLIENT_CERT]: trust.clientCert && resolve(trust.clientCert),
        [names.JMP_GRPC_TLS_CLIENT_KEY]: trust.clientKey && resolve(trust.clientKey),
      }),
    },
  };
}

/** How the environment of a `jmp shell` or a hook says to connect. */
export async function connectionFromEnv(env: Env): Promise<ConnectOptions> {
  const isSet = (name: string) => env[name] === "1" || env[name]?.toLowerCase() === "true";
  return {
    insecure: isSet(names.JMP_GRPC_INSECURE) || isSet(names.JUMPSTARTER_GRPC_INSECURE),
    passphrase: env[names.JMP_GRPC_PASSPHRASE] || undefined,
    holdToken: env[names.JMP_HOLD] || undefined,
    ...await readTrust(trustFromEnv(env), envNames),
  };
}

/** Whether two environments lead `j` to the same exporter in the same way. */
export function isSameConnection(one: Env, other: Env): boolean {
  return leading.every((name) => (one[name] ?? "") === (other[name] ?? ""));
}

/** Which options that only TLS has a use for are given. */
export function namedOptions(options: RemoteOptions): string[] {
  const all = Object.keys(tlsOptions) as (keyof typeof tlsOptions)[];
  return all.flatMap((key) => options[key] === undefined ? [] : [tlsOptions[key]]);
}

/** Options win over the environment, whose authority does not narrow a fingerprint that was typed. */
function namedTrust({ tlsCa, tlsFingerprint, tlsClientCert, tlsClientKey }: RemoteOptions, env: Env): NamedTrust {
  const outer = trustFromEnv(env);
  const isTyped = tlsCa !== undefined || tlsFingerprint !== undefined;
  const isPairTyped = tlsClientCert !== undefined || tlsClientKey !== undefined;
  return {
    ...(isTyped ? { ca: tlsCa, fingerprint: tlsFingerprint && parseFingerprint(tlsFingerprint) } : outer),
    clientCert: isPairTyped ? tlsClientCert : outer.clientCert,
    clientKey: isPairTyped ? tlsClientKey : outer.clientKey,
  };
}

function trustFromEnv(env: Env): NamedTrust {
  const fingerprint = env[names.JMP_GRPC_TLS_FINGERPRINT] || undefined;
  return {
    ca: env[names.JMP_GRPC_TLS_CA] || undefined,
    fingerprint: fingerprint && parseFingerprint(fingerprint),
    clientCert: env[names.JMP_GRPC_TLS_CLIENT_CERT] || undefined,
    clientKey: env[names.JMP_GRPC_TLS_CLIENT_KEY] || undefined,
  };
}

/** What a file is called, for errors. */
type TrustNames = Readonly<Record<"ca" | "cert" | "key", string>>;

const optionNames: TrustNames = { ca: "--tls-ca", cert: "--tls-client-cert", key: "--tls-client-key" };
const envNames: TrustNames = {
  ca: names.JMP_GRPC_TLS_CA,
  cert: names.JMP_GRPC_TLS_CLIENT_CERT,
  key: names.JMP_GRPC_TLS_CLIENT_KEY,
};

async function readTrust(
  { ca, fingerprint, clientCert, clientKey }: NamedTrust,
  called: TrustNames,
): Promise<Pick<ConnectOptions, "tlsCa" | "tlsFingerprint" | "tlsClientCertificate">> {
  return {
    tlsCa: ca === undefined ? undefined : await readAuthorities({ option: called.ca, file: ca }),
    tlsFingerprint: fingerprint,
    tlsClientCertificate: await readClientPair(clientCert, clientKey, called),
  };
}

async function readClientPair(
  cert: string | undefined,
  key: string | undefined,
  called: TrustNames,
): Promise<KeyedPem | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const [given, missing] = cert === undefined ? [called.key, called.cert] : [called.cert, called.key];
    throw new JumpstarterError("usage", `${given} was given without ${missing}`, { hint: "give both" });
  }
  return await readPair({ cert: { option: called.cert, file: cert }, key: { option: called.key, file: key } });
}

/** The variables that are set. */
export function definedOnly(env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
