/**
 * What `jmp run` speaks TLS with: the certificate that it was given, or one of its own making; and whom it wants to see
 * a certificate of.
 */
import { join, resolve } from "node:path";
import { JumpstarterError } from "../errors.ts";
import type { Permission } from "../permission.ts";
import type { TcpAddress } from "../address.ts";
import type { ServerCertificate } from "../rpc/mod.ts";
import { type OwnCertificate, ownCertificate, stateDir } from "../trust/mod.ts";
import type { Env } from "./connection_options.ts";
import { readAuthorities, readPair } from "./pem_files.ts";

/** The options that decide on TLS, as commander names them. */
export interface CertificateOptions {
  tlsGrpcInsecure?: boolean;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
  stateDir?: string;
}

/** What to serve TLS with. */
export interface ServedCertificate {
  readonly certificate: ServerCertificate;
  /** Answers what has replaced it, when something has; throws once for each change that is of no use. */
  readonly renewed: () => Promise<ServerCertificate | undefined>;
  /** The certificate, when it is of this program's making. */
  readonly own?: OwnCertificate;
}

/** How often it is seen whether the program's own certificate wants renewal, in milliseconds. */
const ownCheckMs = 3_600_000;

/** The most addresses of the machine that a certificate is made for. */
const maxAddresses = 50;

/** Where the certificate comes from: files, or this program itself, which keeps what it makes in `dir`. */
export type CertificateSource =
  & ({ readonly cert: string; readonly key: string } | { readonly dir: string })
  & { readonly clientCa?: string };

/**
 * Where the options have the certificate from; nothing when plaintext was asked for.
 *
 * @throws {JumpstarterError} `usage` when they do not go together.
 */
export function certificateSource(options: CertificateOptions, env: Env): CertificateSource | undefined {
  const { tlsCert, tlsKey, tlsGrpcInsecure, tlsClientCa: clientCa } = options;
  const refuse = (message: string, hint: string) => new JumpstarterError("usage", message, { hint });
  const isGiven = tlsCert !== undefined || tlsKey !== undefined;
  if (tlsGrpcInsecure && isGiven) {
    throw refuse("--tls-grpc-insecure serves plaintext, and a certificate was given", "leave one of them out");
  }
  if (tlsGrpcInsecure && clientCa !== undefined) {
    throw refuse("--tls-client-ca needs TLS, and --tls-grpc-insecure serves plaintext", "leave one of them out");
  }
  if ((tlsGrpcInsecure || isGiven) && options.stateDir !== undefined) {
    throw refuse("--state-dir is for a certificate of the exporter's own making, and none is made", "leave it out");
  }
  if (tlsGrpcInsecure) return undefined;
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: tlsCert, key: tlsKey, clientCa };
  if (tlsKey !== undefined) throw refuse("--tls-key was given without --tls-cert", "give both");
  if (tlsCert !== undefined) throw refuse("--tls-cert was given without --tls-key", "give both");
  return { dir: join(resolve(options.stateDir ?? stateDir(env)), "tls"), clientCa };
}

/**
 * Reads the certificate, or finds this program's own.
 *
 * @throws {JumpstarterError} `config` when a file is of no use.
 */
export async function serverCertificate(source: CertificateSource, address: TcpAddress): Promise<ServedCertificate> {
  if ("dir" in source) return await ownServed(source, address);
  const files = [source.cert, source.key, ...clientFiles(source)];
  const changed = await watchFiles(files);
  const pair = {
    cert: { option: "--tls-cert", file: source.cert },
    key: { option: "--tls-key", file: source.key },
  };
  const read = async () => ({ ...await readPair(pair), ...await readClientCa(source) });
  return { certificate: await read(), renewed: async () => await changed() ? await read() : undefined };
}

/** What Deno has to allow for that. */
export function certificatePermissions(source: CertificateSource | undefined): Permission[] {
  if (source === undefined) return [];
  const clients = clientFiles(source).map((of): Permission => ({ kind: "read", of }));
  if (!("dir" in source)) {
    return [...[source.cert, source.key].map((of): Permission => ({ kind: "read", of })), ...clients];
  }
  const { dir } = source;
  const facts = ["hostname", "networkInterfaces", "uid"].map((of): Permission => ({ kind: "sys", of }));
  return [{ kind: "read", of: dir }, { kind: "write", of: dir }, ...facts, ...clients];
}

function clientFiles({ clientCa }: CertificateSource): string[] {
  return clientCa === undefined ? [] : [clientCa];
}

async function readClientCa({ clientCa }: CertificateSource): Promise<{ clientCa?: string }> {
  if (clientCa === undefined) return {};
  return { clientCa: await readAuthorities({ option: "--tls-client-ca", file: clientCa }) };
}

async function ownServed(
  source: CertificateSource & { readonly dir: string },
  address: TcpAddress,
): Promise<ServedCertificate> {
  const find = async () => await ownCertificate({ dir: source.dir, names: machineNames(address) });
  const own = await find();
  const serve = async ({ cert, key }: OwnCertificate) => ({ cert, key, ...await readClientCa(source) });
  const changed = await watchFiles(clientFiles(source));
  let current = own;
  let checkedAt = performance.now();
  return {
    own,
    certificate: await serve(own),
    async renewed() {
      if (await changed()) return await serve(current);
      if (performance.now() - checkedAt < ownCheckMs) return undefined;
      checkedAt = performance.now();
      const latest = await find();
      if (latest.cert.trim() === current.cert.trim()) return undefined;
      current = latest;
      return await serve(latest);
    },
  };
}

/** Answers, each time it is asked, whether one of the files is another than the last time, or has come or gone. */
async function watchFiles(files: readonly string[]): Promise<() => Promise<boolean>> {
  const look = async () => (await Promise.all(files.map(stateOf))).join();
  let seen = await look();
  return async () => {
    const now = await look();
    const isOther = now !== seen;
    seen = now;
    return isOther;
  };
}

/** What tells one state of a file from another; a pipe, which can be read but once, has one state. */
async function stateOf(file: string): Promise<string> {
  try {
    const { isFile, ino, size, mtime } = await Deno.stat(file);
    return isFile ? `${ino} ${size} ${mtime?.getTime()}` : "no file";
  } catch (error) {
    return String(error); // whoever reads it says what is wrong
  }
}

/** The names and addresses by which this machine may be called. */
function machineNames({ host }: TcpAddress): string[] {
  // An address that is only good for one link needs that link's name as well, which no certificate can have.
  const addresses = Deno.networkInterfaces().map(({ address }) => address).filter((address) =>
    !/^fe80:/i.test(address)
  );
  const names = ["localhost", "127.0.0.1", "::1", Deno.hostname(), ...(host === undefined ? [] : [host])];
  return [...new Set([...names, ...addresses.slice(0, maxAddresses)])].filter((name) => /^[\w.:-]+$/.test(name));
}
