import assert from "node:assert/strict";
import { openTestTerminal } from "../../tests/fixtures/command_terminal.ts";
import { serveFiles } from "../../tests/fixtures/file_server.ts";
import { Place } from "../../tests/fixtures/place.ts";
import {
  attachSmallDevice,
  missingSmallDevice,
  missingSmallDisk,
  mountSmallDisk,
} from "../../tests/fixtures/small_disk.ts";
import { JumpstarterError } from "../errors.ts";
import {
  chosenCompression,
  type CommandSink,
  type CommandSource,
  openCommandSink,
  openCommandSource,
} from "./command_file.ts";

const noDisk = await missingSmallDisk();
const noDevice = await missingSmallDevice();

async function textOf({ source }: CommandSource): Promise<string> {
  assert.ok(source instanceof ReadableStream);
  return await new Response(source as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

async function writeText({ sink }: CommandSink, text: string): Promise<void> {
  assert.ok(sink instanceof WritableStream);
  await ReadableStream.from([text]).pipeThrough(new TextEncoderStream()).pipeTo(sink);
}

/** How often this process has a file open. */
async function openCount(path: string): Promise<number> {
  const links = await Array.fromAsync(Deno.readDir("/proc/self/fd"));
  const targets = links.map(({ name }) => Deno.readLink(`/proc/self/fd/${name}`).catch(() => ""));
  return (await Promise.all(targets)).filter((target) => target === path).length;
}

/** What the terminal has shown of progress: pairs of bytes and total. */
function terminalIn(place: Place, stdin = "") {
  const shown: (number | undefined)[][] = [];
  const terminal = openTestTerminal({
    cwd: place.dir,
    stdin: ReadableStream.from([stdin]).pipeThrough(new TextEncoderStream()),
    progress: (...amounts) => void shown.push(amounts),
  });
  return { terminal, context: terminal.context, shown };
}

const isConfigError = (message: string) => (error: unknown) => {
  assert.ok(error instanceof JumpstarterError);
  assert.deepEqual([error.code, error.message], ["config", message]);
  return true;
};

Deno.test("what the user says of compression counts, then the name", () => {
  const cases: [name: string, option: string | undefined, encoding: string | undefined][] = [
    ["disk.img", undefined, undefined],
    ["disk.img.xz", undefined, "xz"],
    ["DISK.IMG.GZ", undefined, "gzip"],
    ["a.b/disk", undefined, undefined],
    ["disk.bz2", undefined, "bz2"],
    ["disk.zst", undefined, "zstd"],
    ["disk.constructor", undefined, undefined],
    ["disk.img.xz", "none", undefined],
    ["disk.img.xz", "gzip", "gzip"],
    ["-", undefined, undefined],
    ["-", "zstd", "zstd"],
    ["https://h/disk.img.xz?Signature=a.gz", undefined, "xz"],
    ["https://h/disk?name=a.gz", undefined, undefined],
  ];
  for (const [name, compression, encoding] of cases) {
    assert.equal(chosenCompression(name, { args: {}, options: { compression } }), encoding, name);
  }
});

Deno.test("a path starts from the user's directory, and its size is the total", async () => {
  await using place = await Place.open();
  const { context, shown } = terminalIn(place);
  await place.write("disk.img", "0123456789");
  await using file = await openCommandSource("disk.img", context, { compression: "xz" });
  assert.equal(file.options.compression, "xz");
  assert.equal(file.options.signal, context.signal);
  file.options.onProgress?.(4);
  assert.equal(await textOf(file), "0123456789");
  assert.deepEqual(shown, [[4, 10]]);
});

Deno.test("- is standard input", async () => {
  await using place = await Place.open();
  const { context, shown } = terminalIn(place, "typed");
  await using file = await openCommandSource("-", context);
  file.options.onProgress?.(4);
  assert.equal(await textOf(file), "typed");
  assert.deepEqual(shown, [[4, undefined]]);
  await using byPath = await openCommandSource("/dev/stdin", terminalIn(place, "typed").context);
  assert.equal(await textOf(byPath), "typed");
});

Deno.test({ name: "a source that is not used is closed", ignore: Deno.build.os !== "linux" }, async () => {
  await using place = await Place.open();
  const { context } = terminalIn(place);
  const path = await place.write("disk.img", "0123456789");
  {
    await using _file = await openCommandSource("disk.img", context);
    assert.equal(await openCount(path), 1);
  }
  assert.equal(await openCount(path), 0);
});

Deno.test("a URL is left to the exporter, unless the file is compressed", async () => {
  await using place = await Place.open();
  await using server = serveFiles({ "/disk.img.xz": "packed" });
  const { context, shown } = terminalIn(place);
  const url = `${server.url}/disk.img.xz`;
  await using left = await openCommandSource(url, context);
  assert.deepEqual(left.source, { url });
  assert.equal(server.requests.length, 0);
  await using fetched = await openCommandSource(url, context, { compression: "xz" });
  fetched.options.onProgress?.(1);
  assert.equal(await textOf(fetched), "packed");
  assert.equal(server.requests[0]?.headers.get("accept-encoding"), "identity");
  assert.deepEqual(shown, [[1, 6]]);
  await using put = await openCommandSink(url, context);
  assert.deepEqual(put.sink, { url });
  await writeText(await openCommandSink(url, context, { compression: "xz" }), "repacked");
  assert.equal(server.files.get("/disk.img.xz"), "repacked");
});

Deno.test("a file that is written has its name only when it is complete", async () => {
  await using place = await Place.open();
  const { context, shown } = terminalIn(place);
  const names = async () => (await Array.fromAsync(Deno.readDir(place.dir))).map(({ name }) => name).sort();
  const before = await names();
  {
    await using file = await openCommandSink("disk.img", context, { totalBytes: 5 });
    file.options.onProgress?.(2);
    assert.ok(file.sink instanceof WritableStream);
    const writer = file.sink.getWriter();
    await writer.write(new Uint8Array(3));
    await assert.rejects(Deno.stat(place.path("disk.img")), Deno.errors.NotFound);
    await writer.abort();
    await using _unused = await openCommandSink("disk.img", context);
  }
  assert.deepEqual(await names(), before);
  await writeText(await openCommandSink("disk.img", context), "whole");
  assert.equal(await Deno.readTextFile(place.path("disk.img")), "whole");
  assert.deepEqual(shown, [[2, 5]]);
});

Deno.test("- is standard output", async () => {
  await using place = await Place.open();
  const { terminal, context } = terminalIn(place);
  await writeText(await openCommandSink("-", context), "shown");
  await writeText(await openCommandSink("/dev/stdout", context), ", by its path");
  assert.equal(terminal.stdout, "shown, by its path");
});

Deno.test({
  name: "a pipe that nobody opens at its other end is waited for until the user gives up",
  ignore: Deno.build.os === "windows", // there are no such pipes
  async fn() {
    await using place = await Place.open();
    await place.makePipe("pipe");
    for (const open of [openCommandSource, openCommandSink]) {
      const abort = new AbortController();
      const { context } = openTestTerminal({ cwd: place.dir, signal: abort.signal });
      const opening = open("pipe", context);
      abort.abort(new Error("enough"));
      await assert.rejects(opening, { message: "enough" });
    }
  },
});

Deno.test("a device is written to, and not replaced", async () => {
  await using place = await Place.open();
  const { context } = terminalIn(place);
  await writeText(await openCommandSink("/dev/null", context), "gone");
  assert.ok((await Deno.stat("/dev/null")).isCharDevice);
});

Deno.test({
  name: "a device that does not take all of it is told, and closed",
  ignore: Deno.build.os !== "linux", // there is no /dev/full
  async fn() {
    await using place = await Place.open();
    const { context } = terminalIn(place);
    const full = isConfigError('cannot write "/dev/full": No space left on device (os error 28)');
    await assert.rejects(async () => await writeText(await openCommandSink("/dev/full", context), "lost"), full);
    assert.equal(await openCount("/dev/full"), 0);
  },
});

Deno.test({
  name: `a disk that is full is told, and keeps nothing${noDisk === undefined ? "" : ` (not run: ${noDisk})`}`,
  ignore: noDisk !== undefined,
  async fn() {
    await using place = await Place.open();
    const { context } = terminalIn(place);
    await Deno.mkdir(place.path("disk"));
    await using disk = await mountSmallDisk(place.path("disk"));
    const full = isConfigError('cannot write "disk/big": No space left on device (os error 28)');
    const big = "x".repeat(2 << 20);
    await assert.rejects(async () => await writeText(await openCommandSink("disk/big", context), big), full);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(disk.dir)), []);
  },
});

Deno.test({
  name: `a disk that fails when all was written is told${noDevice === undefined ? "" : ` (not run: ${noDevice})`}`,
  ignore: noDevice !== undefined,
  async fn() {
    await using place = await Place.open();
    const { context } = terminalIn(place);
    await Deno.mkdir(place.path("disk"));
    await using disk = await mountSmallDisk(place.path("disk"));
    await using device = await attachSmallDevice(disk);
    const broken = isConfigError(`cannot write "${device.path}": Input/output error (os error 5)`);
    const big = "x".repeat(3 << 20);
    await assert.rejects(async () => await writeText(await openCommandSink(device.path, context), big), broken);
    assert.equal(await openCount(device.path), 0);
  },
});

Deno.test("a file that cannot be used is told in one line", async () => {
  await using place = await Place.open();
  const { context } = terminalIn(place);
  const read = (name: string) => openCommandSource(name, context);
  const write = (name: string) => openCommandSink(name, context);
  await assert.rejects(read("none"), isConfigError('cannot read "none": no such file'));
  await assert.rejects(read("home"), isConfigError('cannot read "home": it is a directory'));
  await assert.rejects(write("home"), isConfigError('cannot write "home": it is a directory'));
  await assert.rejects(write("none/x"), isConfigError('cannot write "none/x": no such directory'));
});
