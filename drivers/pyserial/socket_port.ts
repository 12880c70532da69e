import { JumpstarterError } from "../../src/errors.ts";
import { openSocket, type SocketStream } from "../../src/socket_stream.ts";
import type { ModemLine, SerialPort } from "./serial_port.ts";

/** How long to wait for an answer, in milliseconds. */
const connectMs = 10_000;
/** How long the other side may take to end its direction when ours has ended, in milliseconds. */
const farewellMs = 200;

/** A serial port behind a TCP port, as terminal servers offer it: bytes, and nothing of lines or speeds. */
export class SocketPort implements SerialPort {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Connects to `host`, giving up when `signal` fires.
   *
   * @throws {JumpstarterError} `unavailable` or `timeout` when nobody answers there.
   */
  static async open(host: string, port: number, signal?: AbortSignal): Promise<SocketPort> {
    const late = AbortSignal.timeout(connectMs);
    try {
      return new SocketPort(
        await openSocket({ host, port }, { signal: signal === undefined ? late : AbortSignal.any([signal, late]) }),
      );
    } catch (error) {
      if (error !== late.reason) throw error;
      throw new JumpstarterError(
        "timeout",
        `cannot connect to ${host}:${port}: no answer within ${connectMs / 1_000} s`,
      );
    }
  }

  private constructor({ readable, writable }: SocketStream) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    for (const { closed } of [this.#reader, this.#writer]) closed.catch(() => {/* told by what is read or written */});
    this.readable = new ReadableStream({
      pull: async (controller) => {
        const { value, done } = await this.#reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({ write: (bytes) => this.#writer.write(bytes), abort: () => this.close() });
  }

  /** The system sends what it was given. */
  drain(): Promise<void> {
    return Promise.resolve();
  }

  setLine(line: ModemLine): void {
    throw new JumpstarterError("unimplemented", `cannot set ${line.toUpperCase()}: a TCP connection has no such line`);
  }

  /** Says goodbye, so that nothing that was sent gets lost, and does not wait long for an answer. */
  async close(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, farewellMs);
    const ended = Promise.allSettled([this.#writer.close(), this.#reader.closed]);
    await Promise.race([ended, late]);
    clearTimeout(timer);
    await Promise.allSettled([this.#writer.abort(), this.#reader.cancel()]);
  }
}
