/** What `jmp run` says of how it serves: where, how to connect, and what should not stay so. */
import { fingerprintsOf } from "../fingerprint.ts";
import type { Logger } from "../log.ts";
import { type Address, formatAddress, type TcpAddress } from "../address.ts";
import type { OwnCertificate } from "../trust/mod.ts";
import type { ServedCertificate } from "./server_certificate.ts";

/** How an exporter is served. */
export interface ServingFacts {
  /** Its certificate; none in plaintext. */
  readonly served?: ServedCertificate;
  readonly passphrase?: string;
  /** The file that it is from, when other users can read that. */
  readonly openPassphraseFile?: string;
}

/** Says where it listens, how to connect when that takes more than the address, and what should not stay so. */
export function describeListener(log: Logger, address: Address, facts: ServingFacts): void {
  const { served } = facts;
  log.info(`Listening on ${formatAddress(address)} (${served === undefined ? "plaintext" : "TLS"})`);
  if (served?.own !== undefined) describeOwnCertificate(log, address, served.own, facts);
  warnOfExposure(log, address, facts);
}

function describeOwnCertificate(
  log: Logger,
  address: Address,
  { cert, certFile, missingNames }: OwnCertificate,
  { served, passphrase }: ServingFacts,
): void {
  const { certificate } = fingerprintsOf(cert);
  log.info(`The certificate is ${certFile}, of the exporter's own making: ${certificate}`);
  if (missingNames.length > 0) {
    log.info(
      `The certificate is not for ${missingNames.join(", ")}, which only clients with --tls-ca mind; ` +
        `to have it made anew for its key, remove ${certFile}`,
    );
  }
  const words = ["jmp shell", `--tls-grpc ${reachable(address)}`, `--tls-fingerprint ${certificate}`];
  if (served?.certificate.clientCa !== undefined) words.push("--tls-client-cert FILE --tls-client-key FILE");
  if (passphrase !== undefined) words.push("--passphrase-file FILE");
  log.info(`Connect with: ${words.join(" ")}`);
}

/** Warns of what lets others in or lets them listen. */
function warnOfExposure(log: Logger, address: Address, facts: ServingFacts): void {
  const { served, passphrase, openPassphraseFile } = facts;
  if (openPassphraseFile !== undefined) {
    log.warning(`Other users of this machine can read the passphrase; chmod 600 ${openPassphraseFile}`);
  }
  if (address.kind === "unix" || isLoopback(address.host)) return;
  if (passphrase === undefined && served?.certificate.clientCa === undefined) {
    log.warning(
      "Anyone who can reach this machine can drive the devices; give --passphrase-file or --tls-client-ca, " +
        "or listen on 127.0.0.1",
    );
  } else if (served === undefined) {
    log.warning("The passphrase crosses the network in plaintext; leave out --tls-grpc-insecure");
  }
}

/** An address that leads here from elsewhere. */
function reachable(address: Address): string {
  return formatAddress(isWildcard(address) ? { ...address, host: Deno.hostname() } : address);
}

function isWildcard(address: Address): address is TcpAddress {
  return address.kind === "tcp" && [undefined, "0.0.0.0", "::"].includes(address.host);
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|::1|(?:::ffff:)?127(?:\.\d+){3})$/i.test(host);
}
