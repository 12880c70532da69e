import * as names from "../env.ts";
import type { ConnectionTerms } from "../rpc/mod.ts";

const hold = "jmp shell --exclusive --wait waits for the devices, and --steal takes them over";

/** Those of the commands of `jmp`. */
export const optionTerms: ConnectionTerms = {
  plaintext: "add --tls-grpc-insecure",
  tls: "leave out --tls-grpc-insecure",
  ca: "--tls-ca FILE",
  fingerprint: (fingerprint) => `--tls-fingerprint ${fingerprint}`,
  clientCertificate: "--tls-client-cert FILE and --tls-client-key FILE",
  passphrase: `--passphrase-file, --passphrase, or ${names.JMP_GRPC_PASSPHRASE}`,
  hold,
};

/** Those of `j`, which has all of it from its environment. */
export const envTerms: ConnectionTerms = {
  plaintext: `set ${names.JMP_GRPC_INSECURE}=1`,
  tls: `unset ${names.JMP_GRPC_INSECURE} and ${names.JUMPSTARTER_GRPC_INSECURE}`,
  ca: `${names.JMP_GRPC_TLS_CA}=FILE`,
  fingerprint: (fingerprint) => `${names.JMP_GRPC_TLS_FINGERPRINT}=${fingerprint}`,
  clientCertificate: `${names.JMP_GRPC_TLS_CLIENT_CERT}=FILE and ${names.JMP_GRPC_TLS_CLIENT_KEY}=FILE`,
  passphrase: names.JMP_GRPC_PASSPHRASE,
  hold,
};
