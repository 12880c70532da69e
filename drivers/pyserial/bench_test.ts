/** What the tests of serial ports share: an exporter that serves a port, and ways to look at a stream. */
import assert from "node:assert/strict";
import { type LocalExporter, serveLocally } from "../../tests/fixtures/local_exporter.ts";
import type { ByteStream } from "../../src/driver/mod.ts";
import type { JumpstarterError } from "../../src/errors.ts";
import { PySerialClient } from "./client.ts";
import { pyserial } from "./mod.ts";

export const type = "jumpstarter_driver_pyserial.driver.PySerial";
export const bytes = (text: string) => new TextEncoder().encode(text);

/** Serves one port, called `serial`. */
export const serve = (url: string, more: object = {}): Promise<LocalExporter> =>
  serveLocally({ serial: { type, config: { url, ...more } } }, [pyserial]);

export const client = (bench: LocalExporter) => bench.exporter.driver("serial", PySerialClient);

/** A connection that keeps what it has read. */
export class Listener {
  text = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor({ readable, writable }: ByteStream) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {/* told by what is read */});
  }

  /** Reads until `text` has come, at the end of all that came. */
  async see(text: string): Promise<void> {
    while (!this.text.endsWith(text)) {
      const { value, done } = await this.#reader.read();
      assert.ok(!done, `the connection ended after ${JSON.stringify(this.text)}`);
      this.text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Reads until the end. */
  async seeEnd(): Promise<void> {
    for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
      this.text += this.#decoder.decode(next.value, { stream: true });
    }
  }

  async say(text: string | Uint8Array): Promise<void> {
    await this.#writer.write(typeof text === "string" ? bytes(text) : text);
  }

  async closeInput(): Promise<void> {
    await this.#writer.close();
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** Asserts the code of an error, and what it says. */
export const failsWith = (code: string, message: RegExp = /./) => (error: JumpstarterError) => {
  assert.equal(error.code, code, String(error));
  assert.match(error.message, message);
  return true;
};

/** How many descriptors of terminals this process holds, and of what else a port opens. */
export function heldPorts(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (/^\/dev\/pts\/|eventfd/.test(Deno.readLinkSync(`/proc/self/fd/${name}`))) count++;
    } catch {
      // It was the descriptor of the listing itself.
    }
  }
  return count;
}
