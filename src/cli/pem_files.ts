/** The PEM files that options and variables name, read and found to be of use. */
import { type KeyedPem, parseAuthorities, parsePair, type PemSource } from "../pem.ts";
import { fileError } from "../private_files.ts";

/** A PEM file, and what names it. */
export type PemFile = Required<PemSource>;

/**
 * Reads a certificate and its key.
 *
 * @throws {JumpstarterError} `config` when they cannot be used.
 */
export async function readPair(source: Readonly<Record<keyof KeyedPem, PemFile>>): Promise<KeyedPem> {
  return parsePair({ cert: await readPem(source.cert), key: await readPem(source.key) }, source);
}

/**
 * Reads the certificates of authorities.
 *
 * @throws {JumpstarterError} `config` when there are none.
 */
export async function readAuthorities(source: PemFile): Promise<string> {
  return parseAuthorities(await readPem(source), source);
}

async function readPem({ option, file }: PemFile): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    throw fileError(`Cannot read ${option} ${file}`, cause);
  }
}
