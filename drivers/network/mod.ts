/**
 * Connections to devices: TCP, UDP, Unix sockets, WebSocket, and an echo.
 *
 * @module
 */
import type { DriverPackage } from "../../src/driver/mod.ts";

/** `TcpNetwork`, `UdpNetwork`, `UnixNetwork`, `EchoNetwork` and `WebsocketNetwork`, and their client. */
export const network: DriverPackage = {
  drivers: {
    "jumpstarter_driver_network.driver.TcpNetwork": async () => (await import("./driver.ts")).tcpNetwork,
    "jumpstarter_driver_network.driver.UdpNetwork": async () => (await import("./driver.ts")).udpNetwork,
    "jumpstarter_driver_network.driver.UnixNetwork": async () => (await import("./driver.ts")).unixNetwork,
    "jumpstarter_driver_network.driver.EchoNetwork": async () => (await import("./driver.ts")).echoNetwork,
    "jumpstarter_driver_network.driver.WebsocketNetwork": async () => (await import("./driver.ts")).websocketNetwork,
  },
  clients: {
    "jumpstarter_driver_network.client.NetworkClient": async () => (await import("./client.ts")).networkClient,
  },
};
