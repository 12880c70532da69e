/** Files on their way: whole or not at all, whatever happens to those who send them. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { CallContext, Caller } from "../../src/driver/mod.ts";
import type { Json } from "../../src/json.ts";
import { Logger } from "../../src/log.ts";
import { until } from "../../tests/fixtures/until.ts";
import { bytes, client, failsWith, openFolder, serveStorages, text, treeOf } from "./bench_test.ts";
import { OpendalClient } from "./client.ts";
import { OpendalDevice } from "./opendal_device.ts";
import type { Reader, Storage } from "./storage.ts";
import { parsePath } from "./storage_path.ts";

/** Serves a folder and a memory storage, both with a file `kept`. */
async function serveBoth() {
  const folder = await openFolder();
  const bench = await serveStorages({
    folder: { scheme: "fs", kwargs: { root: folder.path } },
    memory: { scheme: "memory" },
  });
  for (const name of ["folder", "memory"]) await client(bench, name).write("kept", "whole");
  return {
    bench,
    path: folder.path,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A file that does not come to its end: after a first piece, it does what `then` does. */
function unfinished(then: () => Promise<void>): ReadableStream<Uint8Array> {
  let isFirst = true;
  return new ReadableStream({
    async pull(controller) {
      if (!isFirst) return await then();
      isFirst = false;
      controller.enqueue(bytes("half"));
    },
  }, { highWaterMark: 0 });
}

async function assertOnlyKept(storage: OpendalClient): Promise<void> {
  assert.equal(text(await storage.readBytes("kept")), "whole");
  const paths = (await Array.fromAsync(storage.scan("/"))).filter((path) => path !== "/");
  assert.deepEqual(paths, ["kept"]);
  assert.deepEqual(await storage.createdResources(), ["kept"]);
}

for (const name of ["folder", "memory"]) {
  Deno.test(`${name}: a source that fails is told, and nothing of it is kept`, async () => {
    await using served = await serveBoth();
    const storage = client(served.bench, name);
    for (const path of ["kept", "new", "some/where/new"]) {
      const source = unfinished(() => Promise.reject(new Error("the disk is gone")));
      await assert.rejects(storage.write(path, source), /^Error: the disk is gone$/);
    }
    await assertOnlyKept(storage);
  });

  Deno.test(`${name}: a client that gives up leaves nothing`, async () => {
    await using served = await serveBoth();
    const storage = client(served.bench, name);
    const given = new AbortController();
    const source = unfinished(() => {
      given.abort(new Error("enough"));
      return new Promise(() => {});
    });
    await assert.rejects(storage.write("kept", source, { signal: given.signal }));
    await assertOnlyKept(storage);
  });

  Deno.test(`${name}: a file that was not closed is not kept, and one that failed cannot be`, async () => {
    await using served = await serveBoth();
    const storage = client(served.bench, name);
    {
      await using file = await storage.open("kept", "wb");
      await file.write("half");
    }
    await assertOnlyKept(storage);
    await using file = await storage.open("kept", "wb");
    await file.write("first half");
    await assert.rejects(file.write(unfinished(() => Promise.reject(new Error("the disk is gone")))), /disk is gone/);
    assert.match(await failsWith("io", file.close()), /^"kept" was not written: ./);
    assert.equal(await file.isClosed(), true);
    await file.close();
    await assertOnlyKept(storage);
  });

  Deno.test(`${name}: a client that closes a file all the same after a part of it is lost has written nothing`, async () => {
    await using served = await serveBoth();
    const storage = client(served.bench, name);
    const handle = await storage.call("open", ["kept", "wb"]);
    const send = (source: ReadableStream<Uint8Array>) =>
      storage.upload("file_write", source, (source) => [handle, source]);
    await send(ReadableStream.from([bytes("first half")]));
    await assert.rejects(send(unfinished(() => Promise.reject(new Error("the disk is gone")))), /disk is gone/);
    const message = await failsWith("io", storage.call("file_close", [handle]));
    assert.match(message, /^"kept" was not written: ./);
    await storage.call("file_close", [handle]);
    await assertOnlyKept(storage);
  });

  Deno.test(`${name}: a client that is killed leaves nothing`, async () => {
    await using served = await serveBoth();
    const { bench } = served;
    const program = fileURLToPath(new URL("../../tests/fixtures/hold_upload.ts", import.meta.url));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, String(bench.port), name, "kept"],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    await child.stdout.getReader().read(); // it says that it sends
    assert.equal((await treeOf(served.path)).length, name === "folder" ? 2 : 1);
    child.kill("SIGKILL");
    await child.status;
    const isGivenUp = () => bench.records.some(({ message }) => /"kept" was discarded/.test(message));
    await until("the upload is given up", isGivenUp);
    assert.deepEqual(await treeOf(served.path), ["kept"]);
    await assertOnlyKept(client(bench, name));
  });

  Deno.test(`${name}: a file is one client's own, and goes with it`, async () => {
    await using served = await serveBoth();
    const { bench } = served;
    const first = await bench.connect();
    const storage = first.driver(name, OpendalClient);
    const handle = await storage.call("open", ["kept", "rb"]);
    const written = await storage.open("new", "wb");
    await written.write("half");
    await first[Symbol.asyncDispose]();
    const other = client(bench, name);
    const isGone = () => other.call("file_tell", [handle]).then(() => false, (error) => error.code === "not_found");
    await until("the file has gone with its client", isGone);
    await until(
      "what was half written is told",
      () => bench.records.some(({ message }) => /"new" was discarded/.test(message)),
    );
    await assertOnlyKept(other);
  });
}

Deno.test("an exporter that stops keeps nothing of what is half written", async () => {
  await using served = await serveBoth();
  const { bench, path } = served;
  const file = await client(bench, "folder").open("some/where/new", "wb");
  await file.write("half");
  assert.equal((await treeOf(path)).length, 4);
  await bench.stop();
  assert.deepEqual(await treeOf(path), ["kept"]);
});

Deno.test("a file by its handle: position, state, and what is not for its mode", async () => {
  await using served = await serveBoth();
  const storage = client(served.bench, "folder");
  await storage.write("f", "0123456789");
  const states = async (file: Awaited<ReturnType<typeof storage.open>>) =>
    await Promise.all([file.isReadable(), file.isSeekable(), file.isWritable(), file.isClosed()]);
  await using reading = await storage.open("f", "rb");
  assert.deepEqual(await states(reading), [true, true, false, false]);
  assert.equal(await reading.seek(2), 2);
  assert.equal(await reading.seek(3, "current"), 5);
  assert.equal(await reading.seek(-3, "end"), 7);
  assert.equal(await reading.tell(), 7);
  assert.equal(text(await reading.readBytes()), "789");
  assert.equal(await reading.tell(), 10);
  assert.equal(text(await reading.readBytes()), "");
  assert.equal(await reading.seek(500), 500);
  assert.equal(text(await reading.readBytes()), "");
  assert.match(await failsWith("invalid_argument", reading.seek(-1)), /nothing before its start/);
  assert.match(await failsWith("invalid_argument", reading.write("x")), /open for reading, and not for writing/);
  await reading.close();
  assert.deepEqual(await states(reading), [false, false, false, true]);
  assert.match(await failsWith("invalid_argument", reading.tell()), /is closed/);
  assert.match(await failsWith("invalid_argument", reading.readBytes()), /is closed/);

  await using writing = await storage.open("g", "wb");
  assert.deepEqual(await states(writing), [false, false, true, false]);
  await writing.write("one ");
  await writing.write(bytes("two"));
  assert.match(await failsWith("invalid_argument", writing.seek(0)), /open for writing, and not for reading/);
  assert.match(await failsWith("invalid_argument", writing.readBytes()), /open for writing/);
  assert.equal(await storage.exists("g"), false);
  await writing.close();
  assert.equal(text(await storage.readBytes("g")), "one two");
  assert.match(await failsWith("invalid_argument", writing.write("x")), /is closed/);

  await failsWith("invalid_argument", storage.call("file_close", ["no handle"]));
  await failsWith("not_found", storage.call("file_close", [crypto.randomUUID()]));
});

Deno.test("a client that opens files without end is stopped, and others are served", async () => {
  await using served = await serveBoth();
  const greedy = await served.bench.connect();
  const storage = greedy.driver("memory", OpendalClient);
  const open = async () => {
    for (;;) await storage.open("kept", "rb");
  };
  assert.match(await failsWith("io", open()), /256 files are open/);
  await using file = await client(served.bench, "folder").open("kept", "rb");
  assert.equal(text(await file.readBytes()), "whole");
  await greedy[Symbol.asyncDispose]();
  const other = client(served.bench, "memory");
  await until(
    "the files of the client that went are closed",
    () => other.readBytes("kept").then(() => true, () => false),
  );
});

/** A client whose exporter answers `open` when it is told to, and the calls that have reached it. */
function slowToOpen() {
  const answer = Promise.withResolvers<Json>();
  const calls: { method: string; args: readonly Json[] }[] = [];
  const aborted = Promise.withResolvers<void>();
  const caller = {
    call(method: string, args: readonly Json[]) {
      calls.push({ method, args });
      if (method === "file_abort") aborted.resolve();
      return method === "open" ? answer.promise : Promise.resolve(null);
    },
  } as unknown as Caller;
  const facts = { name: "storage", uuid: "u", labels: {}, methodDescriptions: {}, children: new Map() };
  const storage = new OpendalClient({ ...facts, caller });
  return { storage, calls, answer: answer.resolve, aborted: aborted.promise };
}

Deno.test("a file that is opened when its caller has given up is closed again", async () => {
  for (const how of ["signal", "time"]) {
    const { storage, calls, answer, aborted } = slowToOpen();
    const caller = new AbortController();
    const limits = how === "signal" ? { signal: caller.signal } : { timeoutMs: 1 };
    const writing = storage.write("path", new ReadableStream(), limits);
    caller.abort();
    await failsWith(how === "signal" ? "cancelled" : "timeout", writing);
    answer("the handle");
    await aborted;
    assert.deepEqual(calls, [
      { method: "open", args: ["path", "wb"] },
      { method: "file_abort", args: ["the handle"] },
    ]);
  }
  const { storage, calls } = slowToOpen();
  await failsWith("cancelled", storage.open("path", "rb", { signal: AbortSignal.abort() }));
  assert.deepEqual(calls, [], "nothing is begun for who has given up before");
});

Deno.test("a file that is open only after its client's call has ended is closed at once", async () => {
  const opened = Promise.withResolvers<Reader>();
  const storage = { openReader: () => opened.promise } as unknown as Storage;
  const device = new OpendalDevice({ scheme: "memory", storage, removesCreated: false, log: new Logger(() => {}) });
  const call = new AbortController();
  const context = { signal: call.signal, clientGone: new AbortController().signal } as CallContext;
  const opening = device.open(parsePath("path"), "rb", context);
  call.abort(new Error("given up"));
  let isClosed = false;
  const close = () => void (isClosed = true);
  opened.resolve({ async *read() {}, [Symbol.asyncDispose]: () => Promise.resolve(close()) });
  await assert.rejects(opening, /given up/);
  assert.ok(isClosed);
});
