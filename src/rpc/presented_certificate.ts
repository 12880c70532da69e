/**
 * What certificate a server shows, and whether it holds: a look of its own, for whoever has to decide or to explain.
 */
import { type Fingerprints, fingerprintsOf } from "../fingerprint.ts";
import { timeFault } from "../pem.ts";
import type { TcpAddress } from "../address.ts";
import type { ConnectionTerms } from "./connection_terms.ts";
import { GREETING } from "./http2_frames.ts";
import { FingerprintMismatch, peerCertificate, secureConnection, type TlsTrust } from "./tls.ts";

/** Why a TLS connection to a server cannot be had, and what to try. */
export interface TlsRefusal {
  /**
   * What does not fit: nobody who is trusted vouches for the certificate, at least not at present, it is for another
   * host, it is not the one that was named; or the server refuses the client's.
   */
  readonly kind: "untrusted" | "otherHost" | "mismatch" | "client";
  readonly reason: string;
  readonly hint: string;
  /** Those of the certificate that was shown. */
  readonly fingerprints: Fingerprints;
}

/** Carries a refusal beneath the error that tells of it. */
export class RefusedCertificate extends Error {
  /** What is in the way. */
  readonly refusal: TlsRefusal;

  /** Makes the cause of an error. */
  constructor(refusal: TlsRefusal, cause: unknown) {
    super(refusal.reason, { cause });
    this.refusal = refusal;
  }
}

/** Why TLS could not be had, when that is what an error of a call tells of. */
export function tlsRefusal(error: unknown): TlsRefusal | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof RefusedCertificate ? cause.refusal : undefined;
}

/** A server's certificate. */
export interface PresentedCertificate {
  readonly fingerprints: Fingerprints;
  /** Why it is of no use; nothing when a connection can be had. */
  readonly refusal?: TlsRefusal;
}

/** How long a server may take to answer a greeting; an exporter does at once. */
const greetingMs = 1_000;

/**
 * The certificate that is shown at an address; nothing where no TLS is spoken.
 *
 * @param terms How hints call what to try.
 * @param stepMs The most that a handshake may take.
 */
export async function presentedCertificate(
  address: TcpAddress,
  trust: TlsTrust,
  terms: ConnectionTerms,
  stepMs: number,
): Promise<PresentedCertificate | undefined> {
  const host = address.host ?? "localhost";
  const shown = await shownCertificate(address, stepMs);
  if (shown === undefined) return undefined;
  const fingerprints = fingerprintsOf(shown);
  const strict = await tryTls(address, host, trust, stepMs);
  const refusal = strict && { ...refusalOf(strict, host, trust, shown, terms), fingerprints };
  return { fingerprints, refusal };
}

/** Connects as the trust has it, until the server has said something; answers what is in the way. */
async function tryTls(to: TcpAddress, host: string, trust: TlsTrust, stepMs: number): Promise<Error | undefined> {
  const { secure, ready } = secureConnection(to, host, trust);
  const failed = new Promise<Error>((resolve) => {
    secure.once("error", resolve);
    secure.once("close", () => resolve(new Error("closed by the server")));
  });
  const heard = new Promise<undefined>((resolve) => secure.once("data", () => resolve(undefined)));
  const handshake = ready.then(() => void secure.write(GREETING), (error: Error) => error);
  try {
    const late = new Error("no answer to the TLS handshake");
    return await within(stepMs, late, handshake) ?? await within(greetingMs, undefined, heard, failed);
  } finally {
    secure.destroy();
  }
}

/** Whatever certificate is shown, DER; nothing where no TLS is spoken. */
export async function shownCertificate(to: TcpAddress, stepMs: number): Promise<Uint8Array | undefined> {
  // A fingerprint that no certificate can have lets every certificate come as far as the comparison.
  const { secure, ready } = secureConnection(to, to.host ?? "localhost", { fingerprint: "any" });
  let shown: Uint8Array | undefined;
  secure.prependOnceListener("secureConnect", () => shown = peerCertificate(secure));
  try {
    await within(stepMs, undefined, ready.catch(() => {/* as it always does */}));
    return shown;
  } finally {
    secure.destroy();
  }
}

/** What is in the way, but for whose certificate it is. */
type Refusal = Omit<TlsRefusal, "fingerprints">;

function refusalOf(
  error: Error,
  host: string,
  trust: TlsTrust,
  shown: Uint8Array,
  terms: ConnectionTerms,
): Refusal {
  const { message } = error;
  const fingerprint = fingerprintsOf(shown).certificate;
  if (error instanceof FingerprintMismatch) {
    return {
      kind: "mismatch",
      reason: `the exporter's certificate has the fingerprint ${fingerprint}, not ${trust.fingerprint}`,
      hint: "somebody may be in between; trust the new one only when you know why it changed",
    };
  }
  if (/NotValidForName|altnames|does not match|not valid for/i.test(message)) {
    return {
      kind: "otherHost",
      reason: `the exporter's certificate is not for "${host}"`,
      hint: "use a name that is in the certificate",
    };
  }
  if (/alert|closed|hang up/i.test(message)) return clientRefusal(message, trust, terms);
  // Deno does not tell these two apart, and a fingerprint helps with both.
  const fault = timeFault(shown);
  return {
    kind: "untrusted",
    reason: `the exporter's certificate ${fault?.reason ?? "is not trusted"}`,
    hint: `${fault?.hint ?? `give its authority with ${terms.ca}`}, or, if this is what the exporter printed when it ` +
      `started, ${terms.fingerprint(fingerprint)}`,
  };
}

function clientRefusal(message: string, { clientCertificate }: TlsTrust, terms: ConnectionTerms): Refusal {
  if (clientCertificate === undefined) {
    const give = `give ${terms.clientCertificate}`;
    return /certificate/i.test(message)
      ? { kind: "client", reason: "the exporter wants a certificate of its clients", hint: give }
      // As when a Deno wants one (2.9.3 to 2.9.6): it often closes the connection before it has said so.
      : {
        kind: "client",
        reason: `the exporter ended the TLS handshake (${message})`,
        hint: `see the exporter's log; if it wants a certificate of its clients, ${give}`,
      };
  }
  const reason = "the exporter does not accept the client's certificate";
  const fault = timeFault(clientCertificate.cert);
  if (fault !== undefined) return { kind: "client", reason: `${reason}, which ${fault.reason}`, hint: fault.hint };
  return {
    kind: "client",
    reason,
    hint: "it must be of an authority that the exporter was given with --tls-client-ca, and not expired",
  };
}

/** What the first of the promises answers; `otherwise` when none does in time. */
async function within<T>(limitMs: number, otherwise: T, ...promises: readonly Promise<T>[]): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<T>((resolve) => timer = setTimeout(() => resolve(otherwise), limitMs));
  try {
    return await Promise.race([...promises, late]);
  } finally {
    clearTimeout(timer);
  }
}
