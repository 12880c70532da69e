import * as pb from "../../proto/mod.ts";
import type { DriverClient, DriverLink, DriverPackage } from "../driver/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { parseFingerprint } from "../fingerprint.ts";
import type { LogRecord } from "../log.ts";
import { nearest } from "../nearest.ts";
import { type Address, parseAddress } from "../address.ts";
import { type KeyedPem, parseAuthorities, parsePair } from "../pem.ts";
import { Channel, type ConnectionTerms, defaultConnectTimeoutMs, holdKey } from "../rpc/mod.ts";
import { buildClients, type ClientNode } from "./build_tree.ts";
import { driverCaller } from "./caller.ts";
import { endSession } from "./end_session.ts";
import { type ExporterStatusUpdate, readInfo } from "./exporter_info.ts";
import { followLogs } from "./follow_logs.ts";
import { type ExclusiveOptions, holdDevices } from "./hold.ts";
import { parseReport } from "./report.ts";
import { reconnecting, Reconnection, type ReconnectOptions } from "./reconnect.ts";
import { waitReady } from "./wait_ready.ts";

/** How to connect to an exporter. */
export interface ConnectOptions extends ReconnectOptions {
  /** Speak plaintext instead of TLS. A Unix socket is always plaintext. */
  insecure?: boolean;
  /** The authorities to trust, as PEM text; those of the system by default. */
  tlsCa?: string;
  /**
   * The one certificate to trust, or the one key, as the exporter prints it: `sha256:` and 64 hexadecimal digits. It
   * needs no authority then, unless `tlsCa` names one, and may be for any host.
   */
  tlsFingerprint?: string;
  /** What an exporter is shown that asks its clients for a certificate. */
  tlsClientCertificate?: KeyedPem;
  /** What the exporter was given as its passphrase. */
  passphrase?: string;
  /**
   * Have the devices to oneself for as long as the connection lasts; by default only where the exporter's config asks
   * its clients to.
   */
  exclusive?: boolean | ExclusiveOptions;
  /** What lets this connection in while another of the same user holds the devices, as `JMP_HOLD` has it. */
  holdToken?: string;
  /**
   * How long the exporter may take to give its first answer, in milliseconds; 10,000 by default, or `readyTimeoutMs`
   * where that is less.
   */
  connectTimeoutMs?: number;
  /** How long to wait until the exporter is ready, in milliseconds; 300,000 by default. 0 does not wait at all. */
  readyTimeoutMs?: number;
  /** Told of every change of status while waiting. */
  onStatus?: (status: ExporterStatusUpdate) => void;
  /** Gives up when it fires. */
  signal?: AbortSignal;
}

/** An exporter that this program is connected to. */
export class Exporter implements AsyncDisposable {
  /** Its name; empty when it does not say (Python exporters of 0.9.0). */
  readonly name: string;
  /** Its labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its message of the day; empty when it has none. */
  readonly motd: string;
  /** The drivers, from the root down. */
  readonly root: ClientNode;
  /** Lets other connections in while this one holds the devices (`holdToken` of theirs); a secret. */
  readonly holdToken?: string;
  readonly #channel: Channel;

  /** Use {@linkcode connect}. */
  constructor(channel: Channel, report: pb.GetReportResponse, root: ClientNode, holdToken?: string) {
    this.#channel = channel;
    this.holdToken = holdToken;
    this.labels = report.labels;
    this.name = report.labels["jumpstarter.dev/name"] ?? "";
    this.motd = report.motd;
    this.root = root;
  }

  /**
   * The client of a driver, by its path in the exporter's config, such as `"bench.power"`.
   *
   * @param client The class that it must have.
   * @throws {JumpstarterError} `not_found` when there is no such driver; `unimplemented` when it is of another kind.
   */
  driver<Client extends DriverClient>(path: string, client: new (link: DriverLink) => Client): Client;
  /** The client of a driver of any kind. */
  driver(path: string): DriverClient;
  driver(path: string, wanted?: new (link: DriverLink) => DriverClient): DriverClient {
    let node = this.root;
    for (const name of path.split(".")) {
      const child = node.children.find((candidate) => candidate.name === name);
      if (child === undefined) throw noDriver(path, name, node);
      node = child;
    }
    if (wanted === undefined || node.client instanceof wanted) return node.client;
    throw new JumpstarterError("unimplemented", `The driver "${path}" is no ${wanted.name} but a ${node.label}`);
  }

  /** The exporter's log: the recent lines, then every new one, until the loop is left or `signal` fires. */
  logs(signal?: AbortSignal): AsyncIterable<LogRecord> {
    return followLogs(this.#channel, { signal });
  }

  /**
   * Ends this session: the exporter runs afterLease and prepares the next. Answers what it says of that.
   *
   * @throws {JumpstarterError} `not_ready` when it ends none, or ends this one and begins no other, as Python exporters
   * of 0.9.0 do: they run no afterLease then, and have to be started anew.
   */
  endSession(): Promise<string> {
    return endSession(this.#channel);
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#channel[Symbol.dispose]();
    return Promise.resolve();
  }
}

/**
 * Opens a channel to an address as a user writes it.
 *
 * @param terms How hints call the options, where it is not this library's user who gives them.
 */
export function openChannel(
  address: string | Address,
  options: ConnectOptions = {},
  terms?: ConnectionTerms,
): Channel {
  const parsed = typeof address === "string" ? parseAddress(address) : address;
  const { connectTimeoutMs, readyTimeoutMs } = options;
  const isPlaintext = options.insecure === true || parsed.kind === "unix";
  const channel = new Channel({
    address: parsed,
    tls: isPlaintext ? undefined : {
      ca: options.tlsCa,
      fingerprint: options.tlsFingerprint === undefined ? undefined : parseFingerprint(options.tlsFingerprint),
      clientCertificate: options.tlsClientCertificate,
    },
    passphrase: options.passphrase,
    terms,
    // Who does not wait for long does not wait for a silent server either; 0 only means not to wait for hooks.
    connectTimeoutMs: connectTimeoutMs ?? Math.min(readyTimeoutMs || Infinity, defaultConnectTimeoutMs),
  });
  if (options.holdToken !== undefined) channel.present(holdKey, options.holdToken);
  return channel;
}

/**
 * The exporter behind an open channel, with its drivers' clients.
 *
 * @throws {JumpstarterError} `busy` when the devices are to be held, and somebody else uses them.
 */
export async function openExporter(
  channel: Channel,
  packages: readonly DriverPackage[],
  options: ReconnectOptions & Pick<ConnectOptions, "signal" | "exclusive"> = {},
): Promise<Exporter> {
  const { signal, exclusive } = options;
  const reconnection = new Reconnection(channel, options);
  const report = await channel.unary(pb.ExporterService.method.getReport, {}, { signal });
  const root = await buildClients(
    parseReport(report.reports),
    packages,
    (node) => reconnecting(driverCaller(channel, node), reconnection),
  );
  const how: ExclusiveOptions = typeof exclusive === "object" ? exclusive : {};
  const isAsked = typeof exclusive === "boolean" ? exclusive : exclusive !== undefined && !how.ifAsked ||
    report.labels["jumpstarter.dev/exclusive"] === "true";
  // Who is let in by a hold needs none of its own; its key may be one that was lost.
  const isHeld = isAsked && !how.steal && channel.presents(holdKey) &&
    (await readInfo(channel, signal)).own?.isHeldForUs === true;
  const hold = !isAsked || isHeld ? undefined : await holdDevices(channel, { ...how, signal });
  return new Exporter(channel, report, root, hold?.token);
}

/** Connects, waits until the exporter is ready, and makes the clients of its drivers. */
export async function connectWith(
  packages: readonly DriverPackage[],
  address: string | Address,
  options: ConnectOptions = {},
): Promise<Exporter> {
  const { readyTimeoutMs = 300_000, onStatus, signal } = options;
  const channel = openChannel(address, { ...options, ...usablePem(options) });
  try {
    if (readyTimeoutMs > 0) await waitReady(channel, { timeoutMs: readyTimeoutMs, onStatus, signal });
    return await openExporter(channel, packages, options);
  } catch (error) {
    channel[Symbol.dispose]();
    throw error;
  }
}

/** The certificates and the key that were given, found to be of use. */
function usablePem({ tlsCa, tlsClientCertificate: pair }: ConnectOptions): ConnectOptions {
  const part = (key: keyof KeyedPem) => ({ option: `tlsClientCertificate.${key}` });
  return {
    tlsCa: tlsCa === undefined ? undefined : parseAuthorities(tlsCa, { option: "tlsCa" }),
    tlsClientCertificate: pair && parsePair(pair, { cert: part("cert"), key: part("key") }),
  };
}

function noDriver(path: string, name: string, { children }: ClientNode): JumpstarterError {
  const names = children.map((child) => child.name);
  const near = nearest(name, names);
  return new JumpstarterError("not_found", `The exporter has no driver "${path}"`, {
    hint: near.length > 0 ? `did you mean "${near[0]}"?` : `it has ${names.join(", ") || "none"}`,
  });
}
