import assert from "node:assert/strict";
import { exchange } from "./http_exchange.ts";

Deno.test("a server may take longer to answer the longer what it is sent is", async () => {
  const late = Promise.withResolvers<void>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.arrayBuffer();
    await late.promise;
    return new Response();
  });
  const url = new URL(`http://127.0.0.1:${server.addr.port}`);
  const put = (bytes: number) =>
    exchange({ url, method: "PUT", body: new Uint8Array(bytes) }, {
      signal: new AbortController().signal,
      stallTimeoutMs: 100,
    });
  const long = put(512 * 1024);
  await assert.rejects(put(1), { code: "timeout" });
  late.resolve();
  const answer = await long;
  await answer.discard();
  assert.equal(answer.status, 200);
});
