/**
 * Certificates and keys, PEM, looked at before TLS is spoken with them: the TLS library objects at the first handshake
 * only, if it says anything.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { JumpstarterError } from "./errors.ts";

/** A certificate chain and its private key, both PEM. */
export interface KeyedPem {
  /** The certificate, and after it those that vouch for it. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/** Where a PEM text is from, for errors: an option, a variable or a property, and the file that it names. */
export interface PemSource {
  readonly option: string;
  readonly file?: string;
}

/** Where a certificate and its key are from. */
export type PairSource = Readonly<Record<keyof KeyedPem, PemSource>>;

/** The keys that Deno's TLS can sign with; of most others it says nothing, and fails every handshake. */
const usableKeys = "RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519";
const usableCurves: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

/**
 * A certificate and key that can be used and belong together, without what else the texts hold.
 *
 * @throws {JumpstarterError} `config`.
 */
export function parsePair(pair: KeyedPem, source: PairSource): KeyedPem {
  const chain = certificatesIn(pair.cert, source.cert, `give it with ${source.key.option}`);
  const { text: key, parsed: privateKey } = privateKeyIn(pair.key, source);
  const [{ parsed: certificate }] = chain;
  if (!certificate.checkPrivateKey(privateKey)) {
    throw refuse(`${nameOf(source.cert)} and ${nameOf(source.key)} do not belong together`, {
      hint: `check that ${source.cert.option} and ${source.key.option} are of one pair`,
    });
  }
  const fault = timeFault(certificate);
  // One whose time will come holds already where the clock is right.
  if (fault?.isOver) throw refuse(`${nameOf(source.cert)} ${fault.reason}`, fault);
  return { cert: joined(chain), key };
}

/**
 * The certificates of authorities, without what else the text holds.
 *
 * @throws {JumpstarterError} `config`.
 */
export function parseAuthorities(text: string, source: PemSource): string {
  return joined(certificatesIn(text, source, "give the certificate of the authority, which is no secret"));
}

/** Why a certificate does not hold at present. */
export interface TimeFault {
  /** Whether its time is over; otherwise it has not begun. */
  readonly isOver: boolean;
  /** The same in words, after its name. */
  readonly reason: string;
  readonly hint: string;
}

/** Why a certificate, of which the first counts in PEM, does not hold at this machine's time; nothing when it does. */
export function timeFault(certificate: X509Certificate | string | Uint8Array): TimeFault | undefined {
  const { validFrom, validFromDate, validTo, validToDate } = certificate instanceof X509Certificate
    ? certificate
    : new X509Certificate(certificate);
  const now = new Date();
  if (validToDate < now) {
    return { isOver: true, reason: `has expired (${validTo})`, hint: "renew it, or check this machine's clock" };
  }
  if (validFromDate <= now) return undefined;
  return { isOver: false, reason: `is not valid before ${validFrom}`, hint: "check this machine's clock" };
}

/** What stands between a BEGIN line and its END line, with them. */
interface Block<Parsed> {
  readonly text: string;
  readonly parsed: Parsed;
}

function joined(blocks: readonly Block<unknown>[]): string {
  return blocks.map(({ text }) => `${text}\n`).join("");
}

/** @param forKey What to try when it is a private key. */
function certificatesIn(
  pem: string,
  source: PemSource,
  forKey: string,
): [Block<X509Certificate>, ...Block<X509Certificate>[]] {
  const blocks = blocksIn(pem, source);
  const [first, ...others] = blocks.filter(({ label }) => label === "CERTIFICATE").map(({ text }) => {
    try {
      return { text, parsed: new X509Certificate(text) };
    } catch (cause) {
      throw refuse(`${nameOf(source)} holds a certificate that cannot be read`, { hint: "it is damaged", cause });
    }
  });
  if (first !== undefined) return [first, ...others];
  throw blocks.some(isPrivateKey)
    ? refuse(`${nameOf(source)} holds a private key, and no certificate`, { hint: forKey })
    : refuse(`${nameOf(source)} holds no certificate`, {
      hint: "it must hold -----BEGIN CERTIFICATE----- lines; convert it with openssl",
    });
}

function privateKeyIn(pem: string, { cert, key: source }: PairSource): Block<KeyObject> {
  const blocks = blocksIn(pem, source);
  const block = blocks.find(isPrivateKey);
  const name = nameOf(source);
  if (block === undefined) {
    throw blocks.some(({ label }) => label === "CERTIFICATE")
      ? refuse(`${name} holds a certificate, and no private key`, { hint: `give it with ${cert.option}` })
      : refuse(`${name} holds no private key`, {
        hint: "it must hold -----BEGIN PRIVATE KEY----- lines; convert it with openssl",
      });
  }
  const { label, text } = block;
  if (label.startsWith("ENCRYPTED") || text.includes("Proc-Type: 4,ENCRYPTED")) {
    throw refuse(`${name} holds a private key that is encrypted`, {
      hint: `decrypt it: openssl pkey -in ${source.file ?? "FILE"} -out FILE`,
    });
  }
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey(text);
  } catch (cause) {
    const hint = `it is damaged, or of another kind than ${usableKeys}`;
    throw refuse(`${name} holds a private key that cannot be read`, { hint, cause });
  }
  if (isUsable(parsed)) return { text: `${text}\n`, parsed };
  throw refuse(`${name} holds a private key that TLS cannot use (${kindOf(parsed)})`, {
    hint: `make a new key and certificate: ${usableKeys}`,
  });
}

function isPrivateKey({ label }: { label: string }): boolean {
  return label.endsWith("PRIVATE KEY");
}

/** Whether Deno's TLS can sign with a key. */
function isUsable({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails;
  if (asymmetricKeyType === "rsa") return modulusLength >= 2048 && modulusLength <= 8192;
  return asymmetricKeyType === "ec" ? usableCurves.includes(namedCurve) : asymmetricKeyType === "ed25519";
}

function kindOf({ asymmetricKeyType, asymmetricKeyDetails: { modulusLength, namedCurve } = {} }: KeyObject): string {
  const kind = namedCurve ?? asymmetricKeyType?.toUpperCase() ?? "of an unknown kind";
  return modulusLength === undefined ? kind : `${kind} of ${modulusLength} bits`;
}

/** What a PEM text holds, each with what it says it is, such as `EC PRIVATE KEY`. */
function blocksIn(pem: string, source: PemSource): { readonly label: string; readonly text: string }[] {
  const blocks = [...pem.matchAll(/-----BEGIN ([^-\n]+)-----[^]*?-----END \1-----/g)];
  if (blocks.length === pem.split("-----BEGIN ").length - 1) {
    return blocks.map(([text, label = ""]) => ({ label, text }));
  }
  throw refuse(`${nameOf(source)} is not whole: there is a -----BEGIN line without its -----END line`, {
    hint: "copy it anew",
  });
}

function nameOf({ option, file }: PemSource): string {
  return file === undefined ? option : `${option} ${file}`;
}

function refuse(message: string, { hint, cause }: { hint: string; cause?: unknown }): JumpstarterError {
  return new JumpstarterError("config", message, { hint, cause });
}
