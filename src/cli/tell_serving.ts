/** What `jmp run` says of how it serves: where, how to connect, and what should not stay so. */
import { fingerprintsOf } from "../fingerprint.ts";
import type { Logger } from "../log.ts";
import { type Address, formatAddress } from "../rpc/mod.ts";
import { isOpenToOthers } from "./passphrase_source.ts";
import type { ServedCertificate } from "./server_certificate.ts";

/** How an exporter is served. */
export interface ServingFacts {
  /** Its certificate; none in plaintext. */
  readonly served?: ServedCertificate;
  readonly passphrase?: string;
  /** Where the passphrase is from, if it is from a file. */
  readonly passphraseFile?: string;
}

/** Warns of what lets others in or lets them listen. */
export async function warnOfExposure(log: Logger, address: Address, facts: ServingFacts): Promise<void> {
  const { served, passphrase, passphraseFile } = facts;
  if (passphraseFile !== undefined && await isOpenToOthers(passphraseFile).catch(() => false)) {
    log.warning(`Other users of this machine can read the passphrase; chmod 600 ${passphraseFile}`);
  }
  if (served?.own !== undefined && served.own.missingNames.length > 0) {
    log.info(
      `The certificate is not for ${served.own.missingNames.join(", ")}, which only clients with --tls-ca mind; ` +
        `to have it made anew for its key, remove ${served.own.certFile}`,
    );
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

/** Says where it listens, and how to connect when that takes more than the address. */
export function describeListener(log: Logger, address: Address, { served, passphrase }: ServingFacts): void {
  log.info(`Listening on ${formatAddress(address)} (${served === undefined ? "plaintext" : "TLS"})`);
  if (served?.own === undefined) return;
  const { certificate } = fingerprintsOf(served.own.cert);
  log.info(`The certificate is ${served.own.certFile}, of the exporter's own making: ${certificate}`);
  const words = ["jmp shell", `--tls-grpc ${reachable(address)}`, `--tls-fingerprint ${certificate}`];
  if (served.certificate.clientCa !== undefined) words.push("--tls-client-cert FILE --tls-client-key FILE");
  if (passphrase !== undefined) words.push("--passphrase-file FILE");
  log.info(`Connect with: ${words.join(" ")}`);
}

/** An address that leads here from elsewhere. */
function reachable(address: Address): string {
  return formatAddress(address.kind === "tcp" ? { ...address, host: address.host ?? Deno.hostname() } : address);
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|::1|(?:::ffff:)?127(?:\.\d+){3})$/i.test(host);
}
