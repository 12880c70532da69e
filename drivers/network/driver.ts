import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { z } from "zod";
import { type ByteStream, call, defineDriver, type DriverDefinition, openStream } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Permission } from "../../src/permission.ts";
import { formatTarget, openSocket } from "../../src/socket_stream.ts";
import { openUdp } from "./udp_stream.ts";
import { openWebsocket, websocketTarget } from "./websocket_stream.ts";

const client = "jumpstarter_driver_network.client.NetworkClient";
const connectSummary = "Connect to the device";
const addressSummary = "Say where the device is, for a direct connection";

/** A device at a host and port. */
interface HostConfig {
  readonly host: string;
  readonly port: number;
  readonly enable_address: boolean;
}

/** A device at a URL. */
interface UrlConfig {
  readonly url: string;
  readonly enable_address: boolean;
}

/** Null is no, as the Python implementation has it. */
const enableAddress = z.boolean().nullable().default(true).transform(Boolean);

const hostConfig = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  enable_address: enableAddress,
});

const websocketConfig = z.strictObject({
  url: z.url({ protocol: /^wss?$/, error: "not a ws:// or wss:// URL" })
    .refine(hasReadableUser, "must have the % in its user name or password written as %25"),
  enable_address: enableAddress,
});

/** A device that listens on a TCP port. */
export const tcpNetwork: DriverDefinition = defineDriver<HostConfig, HostConfig>({
  type: "jumpstarter_driver_network.driver.TcpNetwork",
  client,
  summary: "A device on a TCP port",
  config: hostConfig,
  permissions: reaching,
  start: (config) => config,
  concurrent: true,
  methods: {
    connect: openStream({
      summary: connectSummary,
      run: ({ host, port }: HostConfig, { signal }) => openSocket({ host, port }, { signal }),
    }),
    address: call({ summary: addressSummary, run: (config: HostConfig) => resolvedAddress("tcp", config) }),
  },
});

/** A device that takes datagrams on a UDP port. */
export const udpNetwork: DriverDefinition = defineDriver<HostConfig, HostConfig>({
  type: "jumpstarter_driver_network.driver.UdpNetwork",
  client,
  summary: "A device on a UDP port",
  config: hostConfig,
  permissions: (config) => [...reaching(config), { kind: "net", of: "0.0.0.0:0" }, { kind: "net", of: "[::]:0" }],
  start: (config) => config,
  concurrent: true,
  methods: {
    connect: openStream({
      summary: connectSummary,
      run: ({ host, port }: HostConfig, { signal, log }) =>
        openUdp({ host, port, signal, onLoss: () => log.warning("the client is too slow: datagrams are being lost") }),
    }),
    address: call({ summary: addressSummary, run: (config: HostConfig) => resolvedAddress("udp", config) }),
  },
});

/** A device behind a Unix socket on the exporter's machine. */
export const unixNetwork: DriverDefinition = defineDriver<{ path: string }, { path: string }>({
  type: "jumpstarter_driver_network.driver.UnixNetwork",
  client,
  summary: "A device behind a Unix socket",
  config: z.strictObject({ path: z.string().min(1) }),
  permissions: ({ path }) => [
    { kind: "net", of: `unix:${path}` },
    { kind: "read", of: path },
    { kind: "write", of: path },
  ],
  start: (config) => config,
  concurrent: true,
  methods: {
    connect: openStream({
      summary: connectSummary,
      run: ({ path }: { path: string }, { signal }) => openSocket({ path }, { signal }),
    }),
  },
});

/** No device: whatever is sent comes back. */
export const echoNetwork: DriverDefinition = defineDriver({
  type: "jumpstarter_driver_network.driver.EchoNetwork",
  client,
  summary: "A connection that sends everything back, for trying things out",
  start: () => null,
  concurrent: true,
  methods: {
    connect: openStream({
      summary: connectSummary,
      run: (): ByteStream => new TransformStream<Uint8Array, Uint8Array>(),
    }),
  },
});

/** A device behind a WebSocket server. */
export const websocketNetwork: DriverDefinition = defineDriver<UrlConfig, UrlConfig>({
  type: "jumpstarter_driver_network.driver.WebsocketNetwork",
  client,
  summary: "A device behind a WebSocket server",
  config: websocketConfig,
  permissions: ({ url }) => reaching(websocketTarget(url)),
  start: (config) => config,
  concurrent: true,
  methods: {
    connect: openStream({
      summary: connectSummary,
      run: ({ url }: UrlConfig, { signal }) => openWebsocket(url, signal),
    }),
    address: call({
      summary: addressSummary,
      run: (config: UrlConfig) => {
        assertAddressEnabled(config);
        return withoutCredentials(config.url);
      },
    }),
  },
});

/** Whether the user name and the password of a URL can be decoded; what is no URL at all has none. */
function hasReadableUser(text: string): boolean {
  const { username = "", password = "" } = URL.parse(text) ?? {};
  try {
    decodeURIComponent(`${username}:${password}`);
    return true;
  } catch {
    return false;
  }
}

/** Credentials in a URL are the exporter's own. */
function withoutCredentials(text: string): string {
  const url = new URL(text);
  if (url.username === "" && url.password === "") return text;
  url.username = url.password = "";
  return url.href;
}

/** What a connection needs; a name is looked up too, which Deno takes for access to all of the host's ports. */
function reaching({ host, port }: { host: string; port: number }): Permission[] {
  return [{ kind: "net", of: isIP(host) ? formatTarget({ host, port }) : host }];
}

/** With the host's address in place of its name, since a client's machine may not know the name. */
async function resolvedAddress(scheme: "tcp" | "udp", config: HostConfig): Promise<string> {
  assertAddressEnabled(config);
  const { host, port } = config;
  const found = await lookup(host).catch(() => undefined); // the client's machine may know the name all the same
  return `${scheme}://${formatTarget({ host: found?.address ?? host, port })}`;
}

function assertAddressEnabled({ enable_address: isEnabled }: { enable_address: boolean }): void {
  if (isEnabled) return;
  throw new JumpstarterError("invalid_argument", "the exporter keeps this address to itself: enable_address is false", {
    hint: "connect through the exporter, such as by forward-tcp",
  });
}
