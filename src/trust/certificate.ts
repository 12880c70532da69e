/**
 * Makes X.509 certificates: keys of P-256, signed with SHA-256, by WebCrypto.
 */
import { isIPv4, isIPv6 } from "node:net";
import { bits, type Der, integer, octets, oid, pem, sequence, set, tagged, time, utf8, yes } from "./der.ts";

/** A certificate and its private key, both PEM. */
export interface KeyedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Whom a certificate is for, or who signs it: a name with its keys. */
export interface Party {
  /** The common name. */
  readonly name: string;
  readonly keys: CryptoKeyPair;
}

/** What a certificate may be used for. */
export type CertificateUse = "server" | "client" | "authority";

/** What a certificate says. */
export interface CertificateText {
  readonly use: CertificateUse;
  /** The DNS names and IP addresses that it is for. */
  readonly names?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What the algorithms and fields are called. */
const ids = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  subjectAltName: "2.5.29.17",
  subjectKeyIdentifier: "2.5.29.14",
  authorityKeyIdentifier: "2.5.29.35",
} as const;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A new pair of keys. */
export async function makeKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

/** The private key as a PEM file has it (PKCS #8). */
export async function keyToPem({ privateKey }: CryptoKeyPair): Promise<string> {
  return pem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
}

/** The certificate of `subject`, signed by `issuer`, which may be the same; PEM. */
export async function makeCertificate(subject: Party, issuer: Party, text: CertificateText): Promise<string> {
  const signature = sequence(oid(ids.ecdsaWithSha256));
  const body = sequence(
    tagged(0xa0, integer(new Uint8Array([2]))), // version 3
    integer(crypto.getRandomValues(new Uint8Array(16))),
    signature,
    distinguishedName(issuer),
    sequence(time(text.notBefore), time(text.notAfter)),
    distinguishedName(subject),
    await publicKey(subject),
    tagged(0xa3, sequence(...usage(text, subject === issuer), ...await keyNames(subject, issuer))),
  );
  const signed = new Uint8Array(await crypto.subtle.sign(algorithm, issuer.keys.privateKey, body));
  return pem("CERTIFICATE", sequence(body, signature, bits(signatureValue(signed))));
}

/**
 * A certificate that vouches for itself does not say what its key is for: gRPC's C library takes none as its own issuer
 * whose key is not for signing certificates, and Deno's TLS takes no authority for a server.
 */
function usage({ use, names = [] }: CertificateText, isOwnIssuer: boolean): Der[] {
  const keyUsage = (bitString: readonly number[]) => extension(ids.keyUsage, new Uint8Array([0x03, ...bitString]), yes);
  if (use === "authority") {
    return [extension(ids.basicConstraints, sequence(yes), yes), keyUsage([0x02, 0x01, 0x06])]; // to sign both kinds
  }
  return [
    ...(isOwnIssuer ? [] : [keyUsage([0x02, 0x07, 0x80])]), // digitalSignature
    extension(ids.extendedKeyUsage, sequence(oid(use === "server" ? ids.serverAuth : ids.clientAuth))),
    ...(names.length === 0 ? [] : [extension(ids.subjectAltName, sequence(...names.map(generalName)))]),
  ];
}

/** Strict verifiers want to be told whose keys they see. */
async function keyNames(subject: Party, issuer: Party): Promise<Der[]> {
  return [
    extension(ids.subjectKeyIdentifier, octets(await keyIdentifier(subject))),
    extension(ids.authorityKeyIdentifier, sequence(tagged(0x80, await keyIdentifier(issuer)))),
  ];
}

function extension(id: string, value: Der, critical?: Der): Der {
  return sequence(oid(id), ...(critical === undefined ? [] : [critical]), octets(value));
}

function generalName(name: string): Der {
  if (isIPv4(name)) return tagged(0x87, new Uint8Array(name.split(".").map(Number)));
  if (isIPv6(name)) return tagged(0x87, ipv6Bytes(name));
  return tagged(0x82, new TextEncoder().encode(name));
}

function ipv6Bytes(address: string): Der {
  const [, head = "", tail] = /^(.*?)(?:::(.*))?$/.exec(canonicalIpv6(address)) ?? [];
  const groups = (part: string | undefined) => part ? part.split(":").map((group) => parseInt(group, 16)) : [];
  const before = groups(head), after = groups(tail);
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return new Uint8Array(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Hexadecimal groups alone: the end of an address may be written as an IPv4 one. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

async function publicKey({ keys }: Party): Promise<Der> {
  return new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
}

async function keyIdentifier(party: Party): Promise<Der> {
  return new Uint8Array(await crypto.subtle.digest("SHA-1", await publicKey(party)));
}

/** WebCrypto gives both halves in a row; a certificate wants two integers. */
function signatureValue(raw: Der): Der {
  const half = raw.length / 2;
  return sequence(integer(raw.slice(0, half)), integer(raw.slice(half)));
}

function distinguishedName({ name }: Party): Der {
  return sequence(set(sequence(oid(ids.commonName), utf8(name))));
}
