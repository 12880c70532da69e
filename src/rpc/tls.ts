import { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { checkServerIdentity, connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";
import { fingerprintsOf } from "../fingerprint.ts";
import { type KeyedPem, timeFault } from "../pem.ts";

/** What a server speaks TLS with. */
export interface ServerCertificate extends KeyedPem {
  /** The authorities, PEM, one of which every client's certificate must be of; without it clients need none. */
  readonly clientCa?: string;
}

/** Whom a client trusts, and how it shows who it is. */
export interface TlsTrust {
  /** The authorities to trust, PEM; those of the system without it. */
  readonly ca?: string;
  /**
   * The one certificate to trust, or the one key: `sha256:` and 64 hexadecimal digits. It needs no authority then,
   * unless `ca` names one, and may be for any host.
   */
  readonly fingerprint?: string;
  /** What the client shows to a server that asks for a certificate. */
  readonly clientCertificate?: KeyedPem;
}

/** How many certificates may stand between a client's and its authority's, with the first. */
const maxChain = 5;

/** The server's certificate is not the one that its client was told to trust. */
export class FingerprintMismatch extends Error {}

/**
 * Begins TLS to `host`, over a socket or to a port of it.
 *
 * @throws whatever the handshake fails with; {@linkcode FingerprintMismatch}.
 */
export function secureConnection(
  to: { readonly socket: Socket } | { readonly port: number },
  host: string,
  trust: TlsTrust,
): { readonly secure: TLSSocket; readonly ready: Promise<void> } {
  const secure = connect({ ...tlsOptions(host, trust), ...to });
  const ready = new Promise<void>((resolve, reject) => {
    secure.on("error", reject); // there may be several, and one that nobody hears would end the program
    secure.once("close", () => reject(new Error("closed during the TLS handshake")));
    secure.once("secureConnect", () => {
      if (isPinned(secure, trust)) return resolve();
      const mismatch = new FingerprintMismatch("the server's certificate has another fingerprint");
      reject(mismatch);
      secure.destroy(mismatch);
    });
  });
  return { secure, ready };
}

/**
 * How to begin TLS to `host`. An IP address cannot be a server name indication, so it is checked against the
 * certificate by itself.
 */
export function tlsOptions(host: string, { ca, fingerprint, clientCertificate }: TlsTrust): ConnectionOptions {
  const servername = isIP(host) === 0 ? host : "jumpstarter.invalid";
  const options: ConnectionOptions = {
    ALPNProtocols: ["h2"],
    host,
    servername,
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate.cert, key: clientCertificate.key }),
  };
  if (fingerprint !== undefined) {
    // Nobody needs to vouch for a certificate that is known, and Deno still has the server prove that it has the key.
    // Naming the authorities, if only none, keeps Deno from taking up a session of another connection, which would
    // show the certificate of that one.
    return { ca: [], ...options, rejectUnauthorized: ca !== undefined, checkServerIdentity: () => undefined };
  }
  if (servername === host) return options;
  return {
    ...options,
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
  };
}

/** The certificate that the other end has shown, DER; none of a client that was not asked. */
export function peerCertificate(socket: TLSSocket): Uint8Array | undefined {
  const { raw } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return raw;
}

/** Whom the certificate of the other end is for: its common name, else the first of its other names. */
export function peerName(socket: TLSSocket): string | undefined {
  const { subject, subjectaltname } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  const [common] = [subject?.CN ?? []].flat();
  return common || subjectaltname?.split(", ")[0]?.replace(/^[^:]+:/, "") || undefined;
}

/** Whether the certificate of the other end holds at present and is of one of the authorities, PEM. */
export function isOf(socket: TLSSocket, authorities: string): boolean {
  const known = (authorities.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [])
    .map((text) => new X509Certificate(text));
  let shown: Partial<PeerCertificate> & { issuerCertificate?: PeerCertificate } = socket.getPeerCertificate(true);
  for (let depth = 0; depth < maxChain && shown.raw !== undefined; depth++) {
    const { raw, issuerCertificate } = shown;
    const certificate = new X509Certificate(raw);
    if (timeFault(certificate) !== undefined) return false;
    if (known.some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey))) {
      return true;
    }
    if (issuerCertificate === undefined || issuerCertificate.raw === raw) return false;
    // What vouches for the one before must have signed it.
    const issuer = new X509Certificate(issuerCertificate.raw);
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return false;
    shown = issuerCertificate;
  }
  return false;
}

function isPinned(socket: TLSSocket, { fingerprint }: TlsTrust): boolean {
  if (fingerprint === undefined) return true;
  const shown = peerCertificate(socket);
  if (shown === undefined) return false;
  const { certificate, key } = fingerprintsOf(shown);
  return fingerprint === certificate || fingerprint === key;
}
