/** How those who connect call what a hint advises: they have options of a command line, variables or properties. */
export interface ConnectionTerms {
  /** What to do for plaintext. */
  readonly plaintext: string;
  /** What to do for TLS, where plaintext was asked for. */
  readonly tls: string;
  /** What names the authorities to trust. */
  readonly ca: string;
  /** What names the one certificate to trust. */
  readonly fingerprint: (fingerprint: string) => string;
  /** What names the client's own certificate. */
  readonly clientCertificate: string;
  /** What takes the passphrase. */
  readonly passphrase: string;
  /** How to come to have devices that somebody else holds. */
  readonly hold: string;
}

/** Those of a program that uses this library. */
export const libraryTerms: ConnectionTerms = {
  plaintext: "add insecure: true",
  tls: "leave out insecure: true",
  ca: "tlsCa",
  fingerprint: (fingerprint) => `tlsFingerprint: "${fingerprint}"`,
  clientCertificate: "tlsClientCertificate",
  passphrase: "the option passphrase",
  hold: "exclusive: { waitMs } waits for the devices, and { steal: true } takes them over",
};
