import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from "node:tls";
import { JumpstarterError } from "../errors.ts";

/** A server's certificate chain and its private key, both PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Whom a client trusts. */
export interface TlsTrust {
  /** The authorities to trust, PEM; those of the system without it. */
  readonly ca?: string;
}

/**
 * Checks that a certificate and key can be read and belong together, since the TLS library finds out only at the
 * first handshake.
 *
 * @throws {JumpstarterError} `config`.
 */
export function assertCertificate({ cert, key }: ServerCertificate): void {
  const certificate = read("certificate", () => new X509Certificate(cert));
  const privateKey = read("private key", (): KeyObject => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new JumpstarterError("config", "The TLS certificate and the private key do not belong together", {
      hint: "check that --tls-cert and --tls-key are of one pair",
    });
  }
  if (new Date(certificate.validTo) < new Date()) {
    throw new JumpstarterError("config", `The TLS certificate has expired (${certificate.validTo})`, {
      hint: "renew it",
    });
  }
}

/**
 * How to begin TLS to `host`. An IP address cannot be a server name indication, so it is checked against the
 * certificate by itself.
 */
export function tlsOptions(host: string, { ca }: TlsTrust): ConnectionOptions {
  const options: ConnectionOptions = { ALPNProtocols: ["h2"], host, ...(ca === undefined ? {} : { ca }) };
  if (isIP(host) === 0) return { ...options, servername: host };
  return {
    ...options,
    servername: "jumpstarter.invalid",
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
  };
}

function read<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new JumpstarterError("config", `The TLS ${what} cannot be read: it is not valid PEM`, {
      hint: `give a PEM file that begins with -----BEGIN`,
      cause,
    });
  }
}
