/**
 * A server: prints its port, and stops gracefully when its standard input ends.
 *
 * `server.ts guarded|unguarded`
 */
import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import type { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { guardGoaway } from "../../src/rpc/goaway_guard.ts";
import { WideServer } from "../../src/rpc/wide_server.ts";
import { echoService } from "./echo.ts";

const isGuarded = Deno.args[0] === "guarded";
const server = new WideServer();
server.addService(echoService, {
  echo: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => answer(null, call.request),
});
const injector = server.createInjector();
const listener = createServer((socket) => {
  injector.injectConnection(isGuarded ? guardGoaway(socket, "server") : socket);
});
listener.listen(0, "127.0.0.1", () => {
  const address = listener.address();
  console.log(typeof address === "object" ? address?.port : address);
});
await Deno.stdin.readable.pipeTo(new WritableStream());
listener.close();
server.tryShutdown(() => console.log("stopped"));
