/**
 * The certificate that an exporter makes for itself when it was given none. Its key is made once and stays, so that
 * clients who know the key go on knowing it when the certificate is renewed.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { JumpstarterError } from "../errors.ts";
import { createPrivateFile, ensurePrivateDir, readPrivateFile, replacePrivateFile } from "../private_files.ts";
import { type KeyedCertificate, keyToPem, makeCertificate, makeKeys } from "./certificate.ts";

/** The exporter's own certificate, and where it is. */
export interface OwnCertificate extends KeyedCertificate {
  /** The certificate's file, which may be handed to clients. */
  readonly certFile: string;
  /** Whether it was made, or renewed, just now. */
  readonly isNew: boolean;
  /** Names that are wanted of it and that it does not have. */
  readonly missingNames: readonly string[];
}

/** What the certificate is to be. */
export interface OwnCertificateOptions {
  /** The directory to keep it in. */
  readonly dir: string;
  /** The DNS names and IP addresses that it is to be for. */
  readonly names: readonly string[];
  /** The present time; another one in tests. */
  readonly now?: Date;
}

const dayMs = 86_400_000;

/** How long a certificate holds: long, since whoever pinned it has to be told of a new one. */
const lifetimeMs = 3_650 * dayMs;
/** How long before its end it is renewed. */
const renewalMs = 90 * dayMs;
/** A client's clock may be behind. */
const clockSkewMs = dayMs;

/**
 * The exporter's own certificate: the one in `dir`, or a new one when there is none or its time is nearly over.
 *
 * @throws {JumpstarterError} `config` when the directory or what is in it is of no use.
 */
export function ownCertificate(options: OwnCertificateOptions): Promise<OwnCertificate> {
  return obtain(options, true);
}

async function obtain(options: OwnCertificateOptions, mayRetry: boolean): Promise<OwnCertificate> {
  const { dir, names, now = new Date() } = options;
  await ensurePrivateDir(dir);
  const keyFile = join(dir, "exporter.key"), certFile = join(dir, "exporter.crt");
  const key = await ownKey(keyFile, true);
  const present = await presentCertificate(certFile, key);
  if (present !== undefined && new Date(present.validTo).getTime() - now.getTime() > renewalMs) {
    const missingNames = names.filter((name) => !isFor(present, name));
    return { cert: present.toString(), key, certFile, isNew: false, missingNames };
  }
  const cert = await selfSigned(key, keyFile, names, now);
  // Of two exporters that begin together one is first, and the other one takes its certificate.
  if (present !== undefined) await replacePrivateFile(certFile, cert);
  else if (!await createPrivateFile(certFile, cert)) {
    if (mayRetry) return await obtain(options, false);
    throw leadsNowhere(certFile);
  }
  return { cert, key, certFile, isNew: true, missingNames: [] };
}

async function ownKey(keyFile: string, mayRetry: boolean): Promise<string> {
  const present = await readPrivateFile(keyFile);
  if (present !== undefined) return present;
  const key = await keyToPem(await makeKeys());
  if (await createPrivateFile(keyFile, key)) return key;
  if (mayRetry) return await ownKey(keyFile, false);
  throw leadsNowhere(keyFile);
}

/** What is there, and is not there when it is opened. */
function leadsNowhere(file: string): JumpstarterError {
  const hint = "remove it to have a new one made, or put back what it links to";
  return new JumpstarterError("config", `${file} is there and cannot be read: it links to nothing`, { hint });
}

/** The certificate in the file, when it is one and belongs to the key. */
async function presentCertificate(certFile: string, key: string): Promise<X509Certificate | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(certFile);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const certificate = new X509Certificate(text);
    if (certificate.checkPrivateKey(createPrivateKey(key))) return certificate;
  } catch {
    // It is damaged, and goes the same way as one of another key.
  }
  await Deno.remove(certFile);
  return undefined;
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

async function selfSigned(key: string, keyFile: string, names: readonly string[], now: Date): Promise<string> {
  const own = { name: "Jumpstarter exporter", keys: await importKeys(key, keyFile) };
  return await makeCertificate(own, own, {
    use: "server",
    names,
    notBefore: new Date(now.getTime() - clockSkewMs),
    notAfter: new Date(now.getTime() + lifetimeMs),
  });
}

async function importKeys(key: string, keyFile: string): Promise<CryptoKeyPair> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  try {
    const privateKey = createPrivateKey(key);
    const pkcs8 = new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" }));
    const spki = new Uint8Array(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
    return {
      privateKey: await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]),
      publicKey: await crypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
    };
  } catch (cause) {
    throw new JumpstarterError("config", `${keyFile} is no private key of this program's making`, {
      hint: "remove it to have a new one made",
      cause,
    });
  }
}
