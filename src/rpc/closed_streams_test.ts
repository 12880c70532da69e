import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Http2Stream } from "node:http2";
import { connect as connectTcp, createServer as createTcpServer } from "node:net";
import { until } from "../../tests/fixtures/until.ts";
import { forgetClosedStreams } from "./closed_streams.ts";
import { onHttp2Stream } from "./http2_streams.ts";

Deno.test("a stream that is closed has no listeners, at either end, and a late error of it ends nothing", async () => {
  const streams: Http2Stream[] = [];
  const server = createServer((request, response) => request.pipe(response));
  const listener = createTcpServer((socket) => {
    onHttp2Stream(socket, (stream) => streams.push(stream));
    forgetClosedStreams(socket);
    server.emit("connection", socket);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket = connectTcp(address.port, "127.0.0.1");
  onHttp2Stream(socket, (stream) => streams.push(stream));
  forgetClosedStreams(socket);
  const client = connect("http://127.0.0.1", { createConnection: () => socket });
  const call = client.request({ ":method": "POST" });
  call.end("all of it");
  const pieces = await Array.fromAsync(call.setEncoding("utf8"));
  assert.equal(pieces.join(""), "all of it");
  const listening = () => streams.flatMap((stream) => stream.eventNames());
  await until("the listeners to go", () => streams.every(({ closed }) => closed) && listening().length === 2);
  assert.deepEqual([streams.length, ...listening()], [2, "error", "error"]);
  for (const stream of streams) stream.emit("error", new Error("late"));
  client.destroy();
  listener.close();
  await once(listener, "close");
});
