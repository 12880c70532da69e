/** An exporter's configuration: plain data, frozen to its last leaf, with every default filled in. */
export interface ExporterConfig {
  /** The version of this format. */
  readonly apiVersion: "jumpstarter.dev/v1alpha1";
  /** What kind of file it is. */
  readonly kind: "ExporterConfig";
  /** Who the exporter is. */
  readonly metadata: ExporterMetadata;
  /** The controller's address; direct mode has no use for it. */
  readonly endpoint?: string;
  /** What proves to the controller who this exporter is; direct mode has no use for it. */
  readonly token?: string;
  /** How the controller is trusted. */
  readonly tls: TlsConfig;
  /** Options for every gRPC channel and server, by gRPC's own names. */
  readonly grpcOptions?: Readonly<Record<string, string | number>>;
  /** What the exporter is, for the head of `j --help`. */
  readonly description?: string;
  /** What a client is told when its shell starts. */
  readonly motd?: string;
  /** The devices, by name. */
  readonly export: ExportEntries;
  /** What runs before and after a client's session. */
  readonly hooks: HooksConfig;
  /** When an exporter that keeps failing gives up. */
  readonly failureDetection: FailureDetectionConfig;
  /** Whether the exporter stops when its first lease ends. */
  readonly exitOnLeaseEnd: boolean;
  /** Whether clients are asked to hold the devices before they use them. */
  readonly exclusive: boolean;
}

/** Who an exporter is. */
export interface ExporterMetadata {
  /** The controller's namespace for it; direct mode has no use for one. */
  readonly namespace?: string;
  /** Its name. */
  readonly name: string;
}

/** How a TLS peer is trusted. */
export interface TlsConfig {
  /** The certificate authority to trust, as base64 of a PEM file. */
  readonly ca?: string;
  /** Whether to trust whoever answers. */
  readonly insecure: boolean;
}

/** What runs before and after a client's session. */
export interface HooksConfig {
  /** What the hooks run around: the exporter's life, or each client's session. */
  readonly scope: "exporter" | "session";
  /** Runs before a client may use the devices. */
  readonly beforeLease?: HookConfig;
  /** Runs when the client is done with them. */
  readonly afterLease?: HookConfig;
}

/** One hook. */
export interface HookConfig {
  /** The script, or one line that names a file; unset where `scriptFile` is given. */
  readonly script?: string;
  /** The file of the script; a relative one starts from the config's own folder. */
  readonly scriptFile?: string;
  /** The interpreter, perhaps with its first arguments; without it the script's kind decides. */
  readonly exec?: string | readonly string[];
  /** How long it may take. */
  readonly timeoutMs: number;
  /** What follows when it fails: only a warning, the end of the lease, or the end of the exporter. */
  readonly onFailure: "warn" | "endLease" | "exit";
}

/** When an exporter that keeps failing gives up. */
export interface FailureDetectionConfig {
  /** This many failures in a row, each within the window, are too many. */
  readonly maxRapidFailures: number;
  /** A failure within this time of the start counts as rapid. */
  readonly rapidFailureWindowMs: number;
}

/** Entries of the device tree, by name. A name is not empty and has no dot. */
export type ExportEntries = Readonly<Record<string, ExportEntry>>;

/** One entry of the device tree. */
export type ExportEntry = DriverEntry | CompositeEntry | RefEntry;

/** A device that a driver serves. */
export interface DriverEntry {
  /** Tells the three kinds of entry apart. */
  readonly kind: "driver";
  /** The driver, by a name that the exporter knows or as `module#export`. */
  readonly type: string;
  /** What the file of the driver's module must be: `sha256-` and its SHA-256 in base64. */
  readonly integrity?: string;
  /** What the driver is told, still unchecked: the driver's own schema decides. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The devices beneath it. */
  readonly children: ExportEntries;
  /** Whether the exporter is of no use without it: it then does not start where this driver does not. */
  readonly isRequired: boolean;
  /** What it is here, in place of the driver's own summary. */
  readonly description?: string;
  /** What single methods do here, by their names. */
  readonly methodDescriptions: Readonly<Record<string, string>>;
}

/** A group of devices. */
export interface CompositeEntry {
  /** Tells the three kinds of entry apart. */
  readonly kind: "composite";
  /** The devices in it. */
  readonly children: ExportEntries;
  /** What the group is. */
  readonly description?: string;
}

/** A second place for a device that stands elsewhere in the tree. */
export interface RefEntry {
  /** Tells the three kinds of entry apart. */
  readonly kind: "ref";
  /** The path from the root as the file has it, joined by dots. */
  readonly ref: string;
  /** The path of the driver or group at the end of it, on which no step is itself a reference. */
  readonly target: readonly string[];
}
