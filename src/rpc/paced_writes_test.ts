import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import { connect as connectTcp } from "node:net";
import { within } from "./bench_test.ts";
import { paceWrites, writesEndAtOnce } from "./paced_writes.ts";

Deno.test("writes end at once up to Deno 2.9.3", () => {
  for (const version of ["2.8.0", "2.9.0", "2.9.3"]) assert.ok(writesEndAtOnce(version), version);
  for (const version of ["2.9.4", "2.9.6", "2.10.0", "3.0.0"]) assert.ok(!writesEndAtOnce(version), version);
});

/** A stream of a client whose socket is paced, to a server that does not read it; with the server's own stream. */
async function openUpload() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const socket = connectTcp(address.port, "127.0.0.1");
  await once(socket, "connect");
  paceWrites(socket, "client");
  const client = connect("http://127.0.0.1", { createConnection: () => socket });
  const accepted = once(server, "stream");
  const upload = client.request({ ":method": "POST" });
  upload.on("error", () => {}).resume();
  const [atServer] = await accepted as [ServerHttp2Stream];
  atServer.on("error", () => {});
  return {
    upload,
    atServer,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const large = new Uint8Array(4 * 1024 * 1024);

/** Later releases are never paced. */
const ignore = !writesEndAtOnce(Deno.version.deno);

Deno.test("a write lasts until its bytes have left, and the next ones wait behind it", { ignore }, async () => {
  await using bench = await openUpload();
  const done: number[] = [];
  for (const number of [1, 2, 3]) bench.upload.write(large, () => done.push(number));
  await new Promise<void>((resolve) => bench.upload.session?.ping(() => resolve()));
  assert.deepEqual(done, []);
  let received = 0;
  bench.atServer.on("data", (chunk: Uint8Array) => received += chunk.length);
  await within(new Promise<void>((resolve) => bench.upload.write("", () => resolve())), "the writes");
  assert.deepEqual(done, [1, 2, 3]);
  bench.upload.end();
  await within(once(bench.atServer, "end"), "the end");
  assert.equal(received, 3 * large.length);
});

Deno.test("a write that waits ends with its stream, whoever ends that", { ignore }, async () => {
  const ends: Record<string, (bench: Awaited<ReturnType<typeof openUpload>>) => void> = {
    "the writer closes": ({ upload }) => upload.close(8),
    "the reader resets": ({ atServer }) => atServer.close(8),
    "the reader has answered": ({ atServer }) => {
      atServer.respond({ ":status": 200 }, { endStream: true });
      atServer.close(0);
    },
    "the connection goes": ({ upload }) => upload.session?.destroy(),
  };
  for (const [how, end] of Object.entries(ends)) {
    await using bench = await openUpload();
    const written = new Promise<void>((resolve) => bench.upload.write(large, () => resolve()));
    end(bench);
    await within(written, how);
  }
});
