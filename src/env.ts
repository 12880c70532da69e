/**
 * The environment variables of the wire contract, by name, and a child's search path. Reading them is left to the
 * command line and `connect`; no other room looks at its environment.
 *
 * @module
 */

/** Where the exporter is: a Unix socket's path, or `host:port`. */
export const JUMPSTARTER_HOST = "JUMPSTARTER_HOST";
/** `1`: the exporter at `host:port` speaks plaintext. */
export const JMP_GRPC_INSECURE = "JMP_GRPC_INSECURE";
/** An older name of {@linkcode JMP_GRPC_INSECURE}. */
export const JUMPSTARTER_GRPC_INSECURE = "JUMPSTARTER_GRPC_INSECURE";
/** The passphrase that goes with every call. */
export const JMP_GRPC_PASSPHRASE = "JMP_GRPC_PASSPHRASE";
/** A PEM file with the authorities to trust instead of the system's. */
export const JMP_GRPC_TLS_CA = "JMP_GRPC_TLS_CA";
/** The one certificate to trust, or the one key: `sha256:` and 64 hexadecimal digits. */
export const JMP_GRPC_TLS_FINGERPRINT = "JMP_GRPC_TLS_FINGERPRINT";
/** A PEM file with the client's own certificate. */
export const JMP_GRPC_TLS_CLIENT_CERT = "JMP_GRPC_TLS_CLIENT_CERT";
/** A PEM file with the private key of {@linkcode JMP_GRPC_TLS_CLIENT_CERT}. */
export const JMP_GRPC_TLS_CLIENT_KEY = "JMP_GRPC_TLS_CLIENT_KEY";
/** Which client classes a Python client may load; `UNSAFE` in direct mode. */
export const JMP_DRIVERS_ALLOW = "JMP_DRIVERS_ALLOW";
/** The exporter's name. */
export const JMP_EXPORTER = "JMP_EXPORTER";
/** The exporter's labels, as `k=v,k=v`. */
export const JMP_EXPORTER_LABELS = "JMP_EXPORTER_LABELS";
/** The lease that a shell is in: `direct` where there is no controller. */
export const JMP_LEASE = "JMP_LEASE";
/** The lease that a hook runs for: `standalone` where there is no controller. */
export const LEASE_NAME = "LEASE_NAME";
/** What lets the programs of a shell in that holds the devices: a secret of its own. */
export const JMP_HOLD = "JMP_HOLD";
/** The socket of the agent that runs `j` for this shell or hook; without it `j` does everything by itself. */
export const JMP_AGENT = "JMP_AGENT";
