/**
 * Keys and certificates on this machine: the exporter's own, and those of other exporters that are known.
 *
 * Permissions: `--allow-read` and `--allow-write` of the state directory.
 *
 * @module
 */
export {
  type CertificateText,
  type CertificateUse,
  type KeyedCertificate,
  keyToPem,
  makeCertificate,
  makeKeys,
  type Party,
} from "./certificate.ts";
export { type KnownExporter, knownExporter, rememberExporter } from "./known_exporters.ts";
export { type OwnCertificate, ownCertificate, type OwnCertificateOptions } from "./own_certificate.ts";
export { stateDir } from "./state_dir.ts";
