/**
 * The two implementations, and the ways to secure a connection between them, as the command lines and environments
 * that they come to.
 */
import { join } from "node:path";
import { makeAuthority } from "../../fixtures/certificate.ts";
import { type Place, repository } from "../../fixtures/place.ts";
import { jmpWords } from "../../fixtures/program.ts";

/** How a connection is secured. */
export type Security = "plaintext" | "passphrase" | "TLS" | "TLS+passphrase";

/** Every way of securing a connection. */
export const securities: readonly Security[] = ["plaintext", "passphrase", "TLS", "TLS+passphrase"];

/** Whether the connection is encrypted. */
export function withTls(security: Security): boolean {
  return security.startsWith("TLS");
}

/** Whether every call presents a passphrase. */
export function withPassphrase(security: Security): boolean {
  return security.endsWith("passphrase");
}

/** An implementation on this machine. */
export interface Side {
  readonly name: "Python" | "ours";
  /** The words that start its `jmp`. */
  readonly jmp: readonly string[];
  /** What its programs need beside the environment of a place. */
  readonly env: Readonly<Record<string, string>>;
}

/** The files of a certificate for this machine, and of the authority that vouches for it. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** What every call presents where a passphrase is asked for. */
export const PASSPHRASE = "correct-horse battery";

/** The folder of drivers that both implementations have. */
const devices = join(repository, "tests", "peer", "devices");
const systemPath = "/usr/local/bin:/usr/bin:/bin";
const commonEnv = { LANG: "C.UTF-8", NO_COLOR: "1", SHELL: "/bin/sh", TERM: "dumb" };

/** Our implementation, by the Deno that runs the tests. */
export const ourSide: Side = { name: "ours", jmp: jmpWords, env: { ...commonEnv, PATH: systemPath } };

/** The Python implementation. */
export function pythonSide(venv: string): Side {
  const bin = join(venv, "bin");
  return {
    name: "Python",
    jmp: [join(bin, "jmp")],
    env: {
      ...commonEnv,
      PATH: `${bin}:${systemPath}`,
      PYTHONPATH: devices, // so that a config can name what is there
      PYTHONDONTWRITEBYTECODE: "1",
      // Its log is wrapped to the width of the terminal, and held back when nobody reads it live.
      PYTHONUNBUFFERED: "1",
      COLUMNS: "300",
    },
  };
}

/** Makes a certificate that an authority signed which nobody else knows. */
export async function writeCertificate(place: Place): Promise<CertificateFiles> {
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue();
  return {
    cert: await place.write("server.crt", cert),
    key: await place.write("server.key", key),
    ca: await place.write("ca.crt", authority.cert),
  };
}

/** The options of `jmp run` for a way of securing connections. */
export function exporterOptions(security: Security, { cert, key }: CertificateFiles): string[] {
  const transport = withTls(security) ? ["--tls-cert", cert, "--tls-key", key] : ["--tls-grpc-insecure"];
  return [...transport, ...passphraseOption(security)];
}

/** The options of `jmp shell` for the same; a Python client is told of the authority by {@linkcode clientEnv}. */
export function clientOptions({ name }: Side, security: Security, { ca }: CertificateFiles): string[] {
  const trust = name === "Python" ? [] : ["--tls-ca", ca];
  return [...(withTls(security) ? trust : ["--tls-grpc-insecure"]), ...passphraseOption(security)];
}

/** The environment of a client. The Python client has no option for an authority; its gRPC library has a variable. */
export function clientEnv({ name, env }: Side, security: Security, { ca }: CertificateFiles): Record<string, string> {
  return withTls(security) && name === "Python" ? { ...env, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: ca } : { ...env };
}

/** What a shell gives the programs in it, so that they find the exporter. */
export function sessionEnv(side: Side, address: string, security: Security, certificate: CertificateFiles) {
  return {
    ...clientEnv(side, security, certificate),
    JUMPSTARTER_HOST: address,
    JMP_DRIVERS_ALLOW: "UNSAFE",
    ...(withTls(security) ? {} : { JMP_GRPC_INSECURE: "1" }),
    ...(withPassphrase(security) ? { JMP_GRPC_PASSPHRASE: PASSPHRASE } : {}),
  };
}

function passphraseOption(security: Security): string[] {
  return withPassphrase(security) ? ["--passphrase", PASSPHRASE] : [];
}

/**
 * Why a row whose commands say nothing of the connection is left out: a Python `j` takes more than a second to start.
 */
export function dearCommand({ client, security }: { client: Side; security: Security }): string | undefined {
  if (client.name === "ours" || security === "plaintext" || security === "TLS+passphrase") return undefined;
  return "the Python j is slow to start, so this runs in plaintext and by TLS with a passphrase";
}

/** The `type` of a driver of `tests/peer/devices/<module>`, by its class there. */
export function deviceType({ name }: Pick<Side, "name">, module: string, className: string): string {
  return name === "Python" ? `${module}.${className}` : `${join(devices, `${module}.ts`)}#${className.toLowerCase()}`;
}
