/**
 * Fingerprints of certificates, as exporters print them and clients ask for them.
 *
 * @module
 */
import { createHash, X509Certificate } from "node:crypto";
import { JumpstarterError } from "./errors.ts";

/** What can be recognised of a certificate: itself, and its key, which outlives its renewal. */
export interface Fingerprints {
  /** `sha256:` and 64 hexadecimal digits, over the whole certificate. */
  readonly certificate: string;
  /** The same over its public key alone. */
  readonly key: string;
}

/**
 * The fingerprints of a certificate.
 *
 * @param certificate PEM, of which the first certificate counts, or DER.
 */
export function fingerprintsOf(certificate: string | Uint8Array): Fingerprints {
  const { raw, publicKey } = new X509Certificate(certificate);
  return { certificate: sha256(raw), key: sha256(publicKey.export({ type: "spki", format: "der" })) };
}

/**
 * Reads a fingerprint as people have it: with or without `sha256:` before it, in either case, with or without colons.
 *
 * @throws {JumpstarterError} `usage`.
 */
export function parseFingerprint(text: string): string {
  const digits = text.replace(/^sha-?256[:=]/i, "").replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return `sha256:${digits}`;
  throw new JumpstarterError("usage", `"${text}" is no fingerprint of a certificate`, {
    hint: "give sha256: and 64 hexadecimal digits, as the exporter prints it when it starts",
  });
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
