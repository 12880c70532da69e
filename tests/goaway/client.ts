/**
 * A client: makes 1,000 calls, ten at a time, and prints `called`. Then it either closes or stays for one more call,
 * which it makes when it has lost the connection and the outcome of which it prints.
 *
 * `client.ts <port> guarded|unguarded closes|stays`
 */
import { type ChannelCredentials, Client, connectivityState, credentials, status } from "@grpc/grpc-js";
import { guardGoaway } from "../../src/rpc/goaway_guard.ts";
import { echo } from "./echo.ts";

const [port, guard, end] = Deno.args;
const client = new Client(`127.0.0.1:${port}`, guard === "guarded" ? guarded() : credentials.createInsecure());
for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, () => echo(client)));
console.log("called");
if (end === "stays") {
  const { READY } = connectivityState;
  await new Promise((resolve) => client.getChannel().watchConnectivityState(READY, Infinity, resolve));
  console.log(await echo(client).then(() => "OK", (error: { code: number }) => status[error.code]));
} else {
  // Without this rest the close harms no server.
  await new Promise((resolve) => setTimeout(resolve, 300));
}
client.close();

/** Plaintext credentials whose sockets are guarded. */
function guarded(): ChannelCredentials {
  const plain = credentials.createInsecure();
  const createConnector = plain._createSecureConnector.bind(plain);
  plain._createSecureConnector = (...args) => {
    const connector = createConnector(...args);
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      const connected = await connect(socket);
      return { ...connected, socket: guardGoaway(connected.socket, "client") as typeof connected.socket };
    };
    return connector;
  };
  return plain;
}
