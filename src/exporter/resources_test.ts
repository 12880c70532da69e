import assert from "node:assert/strict";
import { until } from "../../tests/fixtures/until.ts";
import { bytesOf, sample, streamOf } from "../codec/bench_test.ts";
import { decode, encode } from "../codec/mod.ts";
import { encodings } from "../encoding.ts";
import { rejectsWith } from "./bench_test.ts";
import { type ResourceOwner, ResourceTable } from "./resources.ts";

const signal = new AbortController().signal;
const owner = (more: Partial<ResourceOwner> = {}): ResourceOwner => ({
  driverUuid: "00000000-0000-4000-8000-000000000001",
  connectionClosed: signal,
  ...more,
});

Deno.test("a file is for one call of one driver on one connection", async () => {
  const table = new ResourceTable();
  using resource = await table.open(owner(), null);
  const { handle } = resource;
  const strangers = [
    owner({ driverUuid: "00000000-0000-4000-8000-000000000002" }),
    owner({ connectionClosed: new AbortController().signal }),
  ];
  for (const stranger of strangers) {
    const access = table.accessFor(stranger);
    for (const open of [access.openSource, access.openSink]) {
      const { message } = await rejectsWith(open(handle, signal), "invalid_argument");
      assert.match(message, /for another driver or by another client$/);
    }
  }
  const access = table.accessFor(owner());
  await access.openSource({ ...handle, uuid: handle.uuid.toUpperCase() }, signal);
  for (const open of [access.openSource, access.openSink]) {
    const { message } = await rejectsWith(open(handle, signal), "invalid_argument");
    assert.match(message, /stands for no open file$/);
  }
});

Deno.test("what is no handle is an invalid argument", async () => {
  const access = new ResourceTable().accessFor(owner());
  const handles = [null, undefined, 7, "", "x", {}, { uuid: 7 }, { kind: "client_stream", uuid: "constructor" }, [], {
    kind: "presigned_request",
    method: "GET",
    url: "file:///etc/passwd",
  }, { kind: "presigned_request", method: "DELETE", url: "http://127.0.0.1:9/" }];
  for (const handle of handles) {
    await rejectsWith(access.openSource(handle, signal), "invalid_argument");
    await rejectsWith(access.openSink(handle, signal), "invalid_argument");
  }
  const crossed = { kind: "presigned_request", url: "http://127.0.0.1:9/", headers: {} };
  await rejectsWith(access.openSource({ ...crossed, method: "PUT" }, signal), "invalid_argument");
  await rejectsWith(access.openSink({ ...crossed, method: "GET" }, signal), "invalid_argument");
  for (const headers of [[1, 2], "x", { "a b": "c" }, { a: "b\nc" }]) {
    await rejectsWith(access.openSource({ ...crossed, method: "GET", headers }, signal), "invalid_argument");
  }
});

Deno.test("a file goes with its stream, used or not", async () => {
  const table = new ResourceTable();
  {
    using unused = await table.open(owner(), null);
    using used = await table.open(owner(), null);
    assert.equal(table.size, 2);
    await table.accessFor(owner()).openSource(used.handle, signal);
    assert.equal(table.size, 1);
    assert.ok(unused.handle.uuid !== used.handle.uuid);
  }
  assert.equal(table.size, 0);
});

Deno.test("a file that no call uses in time is freed, and its sender told", async () => {
  const table = new ResourceTable({ unusedTimeoutMs: 20 });
  using resource = await table.open(owner(), null);
  const writer = resource.stream.writable.getWriter();
  const told = await rejectsWith(writer.closed, "timeout");
  assert.equal(told.message, "no call has used the file for 0.02 s");
  assert.equal(table.size, 0);
  await rejectsWith(table.accessFor(owner()).openSource(resource.handle, signal), "invalid_argument");
});

Deno.test("a file that is used has all the time it wants", async () => {
  const table = new ResourceTable({ unusedTimeoutMs: 20 });
  using resource = await table.open(owner(), null);
  const source = await table.accessFor(owner()).openSource(resource.handle, signal);
  using _second = await table.open(owner(), null);
  // The second one's end says that the first one's time is over as well.
  await until("the second one ends", () => table.size === 0);
  const sent = streamOf(sample).pipeTo(resource.stream.writable);
  assert.deepEqual(await bytesOf(source), sample);
  await sent;
});

for (const encoding of encodings) {
  Deno.test(`${encoding} is undone and made, where it is accepted`, async () => {
    const table = new ResourceTable(), access = table.accessFor(owner());
    using upload = await table.open(owner(), encoding);
    assert.deepEqual([upload.acceptedEncoding, upload.handle.x_jmp_content_encoding], [encoding, encoding]);
    const source = await access.openSource(upload.handle, signal);
    const sent = encode(streamOf(sample), encoding).pipeTo(upload.stream.writable);
    assert.deepEqual(await bytesOf(source), sample);
    await sent;
    using download = await table.open(owner(), encoding);
    const sink = await access.openSink(download.handle, signal);
    const written = streamOf(sample).pipeTo(sink);
    assert.deepEqual(await bytesOf(decode(download.stream.readable, encoding)), sample);
    await written;
  });
}

Deno.test("a driver that ends a file which nobody wants any more is told why", async () => {
  const table = new ResourceTable();
  const gone = new Error("the client has gone");
  for (const encoding of [null, "gzip"]) {
    using resource = await table.open(owner(), encoding);
    const sink = await table.accessFor(owner()).openSink(resource.handle, signal);
    await resource.stream.readable.cancel(gone);
    await assert.rejects(sink.close(), (error) => error === gone);
  }
});

Deno.test("a file that a driver opens when its call has been given up is ended at once", async () => {
  const table = new ResourceTable();
  const givenUp = AbortSignal.abort(new Error("given up"));
  const files = table.accessFor(owner());
  using down = await table.open(owner(), null);
  const sink = await files.openSink(down.handle, givenUp);
  await assert.rejects(down.stream.readable.getReader().read(), { message: "given up" });
  await assert.rejects(sink.getWriter().write(sample), { message: "given up" });
  using up = await table.open(owner(), null);
  await assert.rejects(bytesOf(await files.openSource(up.handle, givenUp)), { message: "given up" });
});

Deno.test("an encoding that nobody knows is left to the client", async () => {
  const table = new ResourceTable();
  for (const encoding of ["br", "", "constructor", "GZIP"]) {
    using resource = await table.open(owner(), encoding);
    assert.deepEqual([resource.acceptedEncoding, resource.handle.x_jmp_content_encoding], [undefined, encoding]);
    const source = await table.accessFor(owner()).openSource(resource.handle, signal);
    const sent = streamOf(sample).pipeTo(resource.stream.writable);
    assert.deepEqual(await bytesOf(source), sample);
    await sent;
  }
});
