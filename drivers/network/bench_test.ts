/** What the tests of network connections share: devices, and ways to look at a stream. */
import assert from "node:assert/strict";
import { type LocalExporter, serveLocally } from "../../tests/fixtures/local_exporter.ts";
import type { ByteStream } from "../../src/driver/mod.ts";
import type { JumpstarterError } from "../../src/errors.ts";
import { NetworkClient } from "./client.ts";
import { network } from "./mod.ts";

export const type = (name: string) => `jumpstarter_driver_network.driver.${name}`;
export const bytes = (text: string) => new TextEncoder().encode(text);

/** A device that listens on TCP; each connection is the test's to serve. */
export function openDevice() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  return { listener, port, [Symbol.dispose]: () => listener.close() };
}

export const serveTcp = (port: number, more: object = {}): Promise<LocalExporter> =>
  serveLocally({ net: { type: type("TcpNetwork"), config: { host: "127.0.0.1", port, ...more } } }, [network]);

export const client = (bench: LocalExporter) => bench.exporter.driver("net", NetworkClient);

export async function readAll(readable: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** Reads a connection until `text` has come. */
export async function expectText(conn: Deno.Conn, text: string): Promise<void> {
  let seen = "";
  const buffer = new Uint8Array(1024);
  while (seen.length < text.length) {
    const count = await conn.read(buffer);
    assert.notEqual(count, null, `the connection ended after "${seen}"`);
    seen += new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  }
  assert.equal(seen, text);
}

export async function say(stream: ByteStream, what: string | Uint8Array): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(typeof what === "string" ? bytes(what) : what);
  writer.releaseLock();
}

export const code = (expected: string) => (error: unknown) => {
  assert.equal((error as JumpstarterError).code, expected, String(error));
  return true;
};

/** The next chunk, as text. */
export async function nextText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  return new TextDecoder().decode((await reader.read()).value);
}

/** How many sockets this process holds. */
export function openSockets(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith("socket:")) count++;
    } catch {
      // It was the descriptor of the listing itself.
    }
  }
  return count;
}
