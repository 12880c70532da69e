/**
 * The client of network connections.
 *
 * @example Let a program of this machine talk to a device behind the exporter
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { NetworkClient } from "@jumpstarter/cli/network";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const ssh = exporter.driver("ssh", NetworkClient);
 * await using forward = await ssh.forwardTcp();
 * console.log(`ssh -p ${forward.port} root@localhost`);
 * ```
 *
 * @module
 */
import {
  type ByteStream,
  type CallOptions,
  type ClientDefinition,
  type CommandContext,
  defineClient,
  DriverClient,
} from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { listenTcp, listenUnix, type TcpForward, type UnixForward } from "./forward.ts";

export type { TcpForward, UnixForward };

/** What forwards of either kind have in common. */
export interface ForwardOptions {
  /** Ends the forward when it fires, as disposing of it does. */
  signal?: AbortSignal;
  /** Told of each connection that failed; the others go on. */
  onFailure?: (error: unknown) => void;
}

/** Where {@linkcode NetworkClient.forwardTcp} listens. */
export interface TcpForwardOptions extends ForwardOptions {
  /** A name or address of this machine; `localhost` by default. */
  host?: string;
  /** A port; a free one is picked for 0, the default. */
  port?: number;
}

/** Where {@linkcode NetworkClient.forwardUnix} listens. */
export interface UnixForwardOptions extends ForwardOptions {
  /** The socket's path; by default a random one that only this user can reach. */
  path?: string;
  /** Where a random one stands; the system's directory for temporary files by default. */
  dir?: string;
}

/** Connects to one device by way of the exporter. */
export class NetworkClient extends DriverClient {
  /**
   * Where the device is, as a URL such as `tcp://192.0.2.7:22`, for a direct connection.
   *
   * @throws {JumpstarterError} `invalid_argument` when the exporter keeps that to itself, `not_found` when the device
   * has no address.
   */
  async address(options?: CallOptions): Promise<string> {
    const address = await this.call("address", [], options);
    if (typeof address === "string") return address;
    throw new JumpstarterError("driver", `not an address: ${JSON.stringify(address)}`);
  }

  /** Connects to the device. */
  connect(options?: CallOptions): Promise<ByteStream> {
    return this.openStream("connect", options);
  }

  /**
   * Listens on a TCP port and relays each connection to one of its own to the device, until the forward is disposed
   * of or `signal` fires.
   *
   * @throws {JumpstarterError} `listen` when the port cannot be had.
   */
  forwardTcp({ host = "localhost", port = 0, ...options }: TcpForwardOptions = {}): Promise<TcpForward> {
    return listenTcp({ ...options, open: (signal) => this.connect({ signal }) }, host, port);
  }

  /**
   * Listens on a Unix socket and relays each connection to one of its own to the device, until the forward is
   * disposed of or `signal` fires.
   *
   * @throws {JumpstarterError} `listen` when the path cannot be had.
   */
  forwardUnix({ path, dir, ...options }: UnixForwardOptions = {}): Promise<UnixForward> {
    return listenUnix({ ...options, open: (signal) => this.connect({ signal }) }, path, dir);
  }
}

/** How `j` drives a network connection. */
export const networkClient: ClientDefinition = defineClient({
  label: "jumpstarter_driver_network.client.NetworkClient",
  summary: "A network connection",
  client: NetworkClient,
  commands: [
    {
      name: "address",
      summary: "Show where the device is, for a direct connection",
      method: "address",
      options: [
        { name: "host", type: "boolean", summary: "Only the host" },
        { name: "port", type: "boolean", summary: "Only the port" },
      ],
      run: async (network, { options }, { signal }) =>
        addressPart(await network.address({ signal }), options.host === true, options.port === true),
    },
    {
      name: "forward-tcp",
      summary: "Relay a TCP port of this machine to the device",
      args: [{ name: "port", summary: "The port to listen on; 0 picks a free one" }],
      options: [{ name: "address", type: "string", default: "localhost", summary: "The address to listen on" }],
      async *run(network, { args, options }, context) {
        const host = String(options.address), port = parsePort(String(args.port));
        await using forward = await network.forwardTcp({ host, port, ...whileCommandRuns(context) });
        yield `${forward.host.includes(":") ? `[${forward.host}]` : forward.host}:${forward.port}`;
        await aborted(context.signal);
      },
    },
    {
      name: "forward-unix",
      summary: "Relay a Unix socket of this machine to the device",
      args: [{
        name: "path",
        optional: true,
        summary: "The socket to listen on; a random one under $XDG_RUNTIME_DIR by default",
      }],
      async *run(network, { args }, context) {
        const path = typeof args.path === "string" ? context.path(args.path) : undefined;
        const dir = context.env.XDG_RUNTIME_DIR || undefined;
        await using forward = await network.forwardUnix({ path, dir, ...whileCommandRuns(context) });
        yield forward.path;
        await aborted(context.signal);
      },
    },
  ],
});

/** `tcp://192.0.2.7:22` as `192.0.2.7:22`, or one part of it. */
function addressPart(address: string, wantsHost: boolean, wantsPort: boolean): string {
  const url = URL.parse(address.includes("://") ? address : `tcp://${address}`);
  if (url === null) return address;
  const implied = { "ws:": "80", "http:": "80", "wss:": "443", "https:": "443" }[url.protocol] ?? "";
  const port = url.port || implied;
  if (wantsHost === wantsPort) return port === "" ? url.hostname : `${url.hostname}:${port}`;
  return wantsHost ? url.hostname.replace(/^\[|\]$/g, "") : port;
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new JumpstarterError("usage", `"${text}" is no port`, { hint: "a port is a number up to 65535" });
}

/** A forward ends with its command; what goes wrong with single connections is told while it runs. */
function whileCommandRuns({ signal, notice }: CommandContext): ForwardOptions {
  const onFailure = (error: unknown) =>
    notice(`a connection failed: ${error instanceof Error ? error.message : String(error)}`);
  return { signal, onFailure };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
