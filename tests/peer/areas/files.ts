/** Files on their way to drivers and from them: plain, packed, behind URLs, by flashers and storage muxes. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { FlasherClient } from "../../../drivers/flasher/client.ts";
import { StorageMuxClient, StorageMuxFlasherClient } from "../../../drivers/storage_mux/client.ts";
import { bytesOf, streamOf } from "../../../src/codec/bench_test.ts";
import { decode, encode } from "../../../src/codec/mod.ts";
import { type Encoding, encodings } from "../../../src/encoding.ts";
import { type FileServer, serveFiles } from "../../fixtures/file_server.ts";
import type { Place } from "../../fixtures/place.ts";
import { type Bench, type Cell, defineArea, type Pairing, type Row } from "../support/area.ts";
import { type CertificateFiles, dearCommand, deviceType } from "../support/side.ts";

interface FilesBench extends Bench {
  readonly server: FileServer;
  /** The same behind TLS. */
  readonly secure: FileServer;
  /** A file of this machine, its content, and what a driver should say of it. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly taken: readonly [bytes: number, sha256: string];
}

const type = (name: string) => `jumpstarter_driver_opendal.driver.${name}`;
/** What `give` of the probe writes. */
const given = (size: number) => "0123456789abcdef".repeat(size / 16 + 1).slice(0, size);

/** What users do with files. */
export const files = defineArea<FilesBench>({
  name: "files",
  open: openBench,
  rows: [
    { name: "a file to a driver", run: upload },
    { name: "a file from a driver", run: download },
    { name: "a file for a client that ends its own direction late", run: lateEnd },
    ...encodings.map((encoding) => ({
      name: `${encoding}, unpacked on its way`,
      run: (cell: Cell<FilesBench>) => unpacked(cell, encoding),
    })),
    ...encodings.map((encoding): Row<FilesBench> => ({
      name: `${encoding}, packed on its way`,
      notRun: cutShort,
      run: (cell) => packed(cell, encoding),
    })),
    { name: "a URL that the exporter fetches", run: (cell) => fetched(cell, cell.bench.server) },
    { name: "an https URL that the exporter fetches", run: (cell) => fetched(cell, cell.bench.secure) },
    { name: "a packed file behind a URL, which the client fetches", run: fetchedByClient },
    { name: "a URL that the exporter puts a file to", notRun: answerBeforeBody, run: put },
    { name: "what is no file", run: noFile },
    { name: "MockFlasher", run: flasher },
    { name: "MockStorageMux", run: mux },
    { name: "MockStorageMuxFlasher", run: muxFlasher },
    { name: "j flash, unpacked, and j dump", notRun: dearCommand, run: byCommand },
    { name: "j flash from standard input, and j dump to standard output", notRun: withoutDash, run: byPipe },
    { name: "j flash from a URL", notRun: dearCommand, run: byUrl },
  ],
});

function answerBeforeBody({ exporter }: Pairing): string | undefined {
  return exporter.name === "Python"
    ? "the Python exporter waits for the answer to a PUT before it sends the file"
    : undefined;
}

function cutShort({ client, exporter }: Pairing): string | undefined {
  const isAlone = client.name === "Python" && exporter.name === "Python";
  return isAlone ? "between two Python ends a file that the exporter packs ends too soon" : undefined;
}

function withoutDash({ client }: Pairing): string | undefined {
  return client.name === "Python" ? "the Python client takes paths and URLs only" : undefined;
}

async function openBench(place: Place, { exporter }: Pairing, { cert, key }: CertificateFiles): Promise<FilesBench> {
  const content = new Uint8Array(randomBytes(3_000_001));
  const path = place.path("image.bin");
  await Deno.writeFile(path, content);
  for (const encoding of encodings) {
    await Deno.writeFile(`${path}.${encoding}`, await bytesOf(encode(streamOf(content), encoding)));
  }
  const packed = await Deno.readFile(`${path}.xz`);
  const server = serveFiles({ "/image.bin": content, "/image.bin.xz": packed });
  const certificate = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  const secure = serveFiles({ "/image.bin": content }, certificate);
  return {
    server,
    secure,
    path,
    content,
    taken: [content.length, createHash("sha256").update(content).digest("hex")],
    entries: {
      box: { type: deviceType(exporter, "probe", "Probe") },
      flasher: { type: type("MockFlasher") },
      mux: { type: type("MockStorageMux") },
      sdcard: { type: type("MockStorageMuxFlasher") },
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await secure[Symbol.asyncDispose]();
    },
  };
}

/** Hands a file over, in Python. */
const adapterInPython = `
      from jumpstarter.streams.encoding import Compression
      from jumpstarter_driver_opendal.adapter import OpendalAdapter
      from opendal import Operator
      def file(path, mode, compression=None):
          return OpendalAdapter(
              client=client.box, operator=Operator("fs", root="/"), path=path, mode=mode,
              compression=compression and Compression(compression),
          )
`;

const reading = async (path: string) => (await Deno.open(path)).readable;
const writing = async (path: string) => (await Deno.create(path)).writable;

async function upload({ ask, bench: { path, taken } }: Cell<FilesBench>): Promise<void> {
  const answer = await ask({
    python: `${adapterInPython}
      with file(${JSON.stringify(path)}, "rb") as handle:
          return client.box.call("take", handle)
    `,
    ours: async (exporter) => await exporter.driver("box").upload("take", await reading(path)),
  });
  assert.deepEqual(answer, taken);
}

async function download({ ask, place }: Cell<FilesBench>): Promise<void> {
  for (const size of [0, 2_000_005]) {
    const path = place.path(`given-${size}`);
    await ask({
      python: `${adapterInPython}
        with file(${JSON.stringify(path)}, "wb") as handle:
            client.box.call("give", handle, ${size})
      `.replace(/^ {8}(?=with| {4}client)/gm, "      "),
      async ours(exporter) {
        await exporter.driver("box").download("give", await writing(path), (handle) => [handle, size]);
      },
    });
    assert.equal(await Deno.readTextFile(path), given(size));
  }
}

/** A Python client whose end meets a call that is over loses what it has not read of it. */
async function lateEnd({ ask }: Cell<FilesBench>): Promise<void> {
  const size = 200_000;
  const answer = await ask({
    python: `
      from anyio import EndOfStream, Event
      from anyio.abc import ObjectStream

      class Late(ObjectStream):
          def __init__(self):
              self.length, self.begun = 0, Event()
          async def send(self, item):
              self.length += len(item)
              if not self.begun.is_set():
                  # All that the exporter does before it waits for the client has come when this is answered.
                  await client.box.call_async("nothing")
                  self.begun.set()
          async def receive(self):
              await self.begun.wait()
              raise EndOfStream
          async def send_eof(self): pass
          async def aclose(self): pass

      async def receive():
          late = Late()
          async with client.box.resource_async(late) as handle:
              await client.box.call_async("give", handle, ${size})
          return late.length
      return client.portal.call(receive)
    `,
    async ours(exporter) {
      let length = 0;
      const sink = new WritableStream<Uint8Array>({ write: (bytes) => void (length += bytes.length) });
      await exporter.driver("box").download("give", sink, (handle) => [handle, size]);
      return length;
    },
  });
  assert.equal(answer, size);
}

async function unpacked(
  { ask, bench: { path, taken } }: Cell<FilesBench>,
  encoding: Encoding,
): Promise<void> {
  const file = `${path}.${encoding}`;
  const answer = await ask({
    python: `${adapterInPython}
      with file(${JSON.stringify(file)}, "rb", "${encoding}") as handle:
          return client.box.call("take", handle)
    `,
    ours: async (exporter) =>
      await exporter.driver("box").upload("take", await reading(file), undefined, { compression: encoding }),
  });
  assert.deepEqual(answer, taken);
}

async function packed({ ask, place }: Cell<FilesBench>, encoding: Encoding): Promise<void> {
  const path = place.path(`given.${encoding}`);
  await ask({
    python: `${adapterInPython}
      with file(${JSON.stringify(path)}, "wb", "${encoding}") as handle:
          client.box.call("give", handle, 300_000)
    `,
    async ours(exporter) {
      const args = { compression: encoding };
      await exporter.driver("box").download("give", await writing(path), (handle) => [handle, 300_000], args);
    },
  });
  const plain = decode(await reading(path), encoding);
  assert.equal(new TextDecoder().decode(await bytesOf(plain)), given(300_000));
}

async function fetched({ ask, bench: { taken } }: Cell<FilesBench>, server: FileServer): Promise<void> {
  const url = `${server.url}/image.bin`;
  const before = server.requests.length;
  const answer = await ask({
    python: `
      from jumpstarter.common.resources import PresignedRequestResource
      request = PresignedRequestResource(headers={"x-marker": "7"}, url="${url}", method="GET")
      return client.box.call("take", request.model_dump(mode="json"))
    `,
    ours: (exporter) => exporter.driver("box").upload("take", { url, headers: { "x-marker": "7" } }),
  });
  assert.deepEqual(answer, taken);
  assert.deepEqual(server.requests.slice(before).map(({ headers }) => headers.get("x-marker")), ["7"]);
}

/** No request can say that the file has to be unpacked, so the client does not leave it to the exporter. */
async function fetchedByClient({ ask, client, session, place, bench: { server, content } }: Cell<FilesBench>) {
  const url = `${server.url}/image.bin.xz`, back = place.path("unpacked.bin");
  if (client.name === "ours") {
    const command = `j flasher flash '${url}' --compression xz && j flasher dump '${back}'`;
    const { code, stderr } = await session.run(command);
    assert.equal(code, 0, stderr);
  } else {
    await ask({
      python: `
        from jumpstarter.streams.encoding import Compression
        from opendal import Operator
        web = Operator("http", root="/", endpoint="${server.url}")
        client.flasher.flash("/image.bin.xz", operator=web, compression=Compression.XZ)
        client.flasher.dump(${JSON.stringify(back)})
      `,
      ours() {},
    });
  }
  assert.deepEqual(await Deno.readFile(back), content);
}

async function put({ ask, bench: { server } }: Cell<FilesBench>): Promise<void> {
  const url = `${server.url}/put.txt`;
  server.files.delete("/put.txt");
  await ask({
    python: `
      from jumpstarter.common.resources import PresignedRequestResource
      request = PresignedRequestResource(headers={}, url="${url}", method="PUT")
      client.box.call("give", request.model_dump(mode="json"), 200_000)
    `,
    async ours(exporter) {
      await exporter.driver("box").download("give", { url }, (handle) => [handle, 200_000]);
    },
  });
  assert.equal(server.files.get("/put.txt"), given(200_000));
}

async function noFile({ ask }: Cell<FilesBench>): Promise<void> {
  const handle = { kind: "client_stream", uuid: crypto.randomUUID(), x_jmp_content_encoding: null };
  const answer = await ask({
    python: `
      import json
      try:
          return client.box.call("take", json.loads('${JSON.stringify(handle)}'))
      except Exception:
          return "refused"
    `,
    ours: (exporter) => exporter.driver("box").call("take", [handle]).catch(() => "refused"),
  });
  assert.equal(answer, "refused");
}

async function flasher({ ask, place, bench: { path, content } }: Cell<FilesBench>): Promise<void> {
  const whole = place.path("flashed"), part = place.path("flashed-part");
  await ask({
    python: `
      client.flasher.flash(${JSON.stringify(path)})
      client.flasher.flash({"boot": ${JSON.stringify(path)}})
      client.flasher.dump(${JSON.stringify(whole)})
      client.flasher.dump(${JSON.stringify(part)}, target="boot")
    `,
    async ours(exporter) {
      const flasher = exporter.driver("flasher", FlasherClient);
      await flasher.flash(await reading(path));
      await flasher.flash(await reading(path), { target: "boot" });
      await flasher.dump(await writing(whole));
      await flasher.dump(await writing(part), { target: "boot" });
    },
  });
  for (const file of [whole, part]) assert.deepEqual(await Deno.readFile(file), content);
}

async function mux({ ask, place, bench: { path, content } }: Cell<FilesBench>): Promise<void> {
  const back = place.path("muxed");
  await ask({
    python: `
      client.mux.off()
      client.mux.host()
      client.mux.write_local_file(${JSON.stringify(path)})
      client.mux.read_local_file(${JSON.stringify(back)})
      client.mux.dut()
    `,
    async ours(exporter) {
      const mux = exporter.driver("mux", StorageMuxClient);
      await mux.off();
      await mux.host();
      await mux.write(await reading(path));
      await mux.read(await writing(back));
      await mux.dut();
    },
  });
  assert.deepEqual(await Deno.readFile(back), content);
}

async function muxFlasher({ ask, place, bench: { path, content } }: Cell<FilesBench>): Promise<void> {
  const back = place.path("sdcard");
  await ask({
    python: `
      client.sdcard.flash(${JSON.stringify(path)})
      client.sdcard.dump(${JSON.stringify(back)})
    `,
    async ours(exporter) {
      const sdcard = exporter.driver("sdcard", StorageMuxFlasherClient);
      await sdcard.flash(await reading(path));
      await sdcard.dump(await writing(back));
    },
  });
  assert.deepEqual(await Deno.readFile(back), content);
}

async function byCommand({ session, place, bench: { path, content } }: Cell<FilesBench>): Promise<void> {
  const back = place.path("by-command");
  const { code, stderr } = await session.run(
    `j flasher flash '${path}.xz' --compression xz && j flasher dump '${back}'`,
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(await Deno.readFile(back), content);
}

async function byPipe({ session, place, bench: { path, content } }: Cell<FilesBench>): Promise<void> {
  const back = place.path("by-pipe");
  const { code, stdout, stderr } = await session.run(
    `cat '${path}.gzip' | j flasher flash --compression gzip -t tail:- && j flasher dump - --target tail >'${back}'`,
  );
  assert.equal(code, 0, stderr);
  // What was written, where the exporter says so; nothing of the dump.
  assert.match(stdout, /^(?:wrote [^\n]*\n)?$/);
  assert.deepEqual(await Deno.readFile(back), content);
}

async function byUrl({ session, bench: { server } }: Cell<FilesBench>): Promise<void> {
  const before = server.requests.length;
  const { code, stderr } = await session.run(`j flasher flash '${server.url}/image.bin'`);
  assert.equal(code, 0, stderr);
  assert.deepEqual(server.requests.slice(before).map(({ method, path }) => [method, path]), [["GET", "/image.bin"]]);
}
