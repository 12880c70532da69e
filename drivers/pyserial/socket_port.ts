import { JumpstarterError } from "../../src/errors.ts";
import { openSocket, type SocketStream } from "../../src/socket_stream.ts";
import { unlessAborted } from "./abortable.ts";
import type { ModemLine, SerialPort } from "./serial_port.ts";

/** How long to wait for an answer, in milliseconds. */
const connectMs = 10_000;
/** How long the other side may take to end its direction when ours has ended, in milliseconds. */
const farewellMs = 200;
/** The same where all that was sent is to arrive, since its last byte, in milliseconds. */
const defaultSilenceMs = 10_000;

/** How {@linkcode SocketPort.open} connects. */
export interface SocketPortOptions {
  /** Gives up connecting when it fires. */
  readonly signal?: AbortSignal;
  /** How long a side that says nothing may take to end its direction when the port is finished; 10 s by default. */
  readonly silenceMs?: number;
}

/** A serial port behind a TCP port, as terminal servers offer it: bytes, and nothing of lines or speeds. */
export class SocketPort implements SerialPort {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #silenceMs: number;
  #onBytes = () => {};

  /**
   * Connects to `host`.
   *
   * @throws {JumpstarterError} `unavailable` or `timeout` when nobody answers there.
   */
  static async open(
    host: string,
    port: number,
    { signal, silenceMs = defaultSilenceMs }: SocketPortOptions = {},
  ): Promise<SocketPort> {
    const late = AbortSignal.timeout(connectMs);
    try {
      return new SocketPort(
        await openSocket({ host, port }, { signal: signal === undefined ? late : AbortSignal.any([signal, late]) }),
        silenceMs,
      );
    } catch (error) {
      if (error !== late.reason) throw error;
      throw new JumpstarterError(
        "timeout",
        `cannot connect to ${host}:${port}: no answer within ${connectMs / 1_000} s`,
      );
    }
  }

  private constructor({ readable, writable }: SocketStream, silenceMs: number) {
    this.#silenceMs = silenceMs;
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    for (const { closed } of [this.#reader, this.#writer]) closed.catch(() => {/* told by what is read or written */});
    this.readable = new ReadableStream({
      pull: async (controller) => {
        const { value, done } = await this.#reader.read();
        this.#onBytes();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({ write: (bytes) => this.#writer.write(bytes), abort: () => this.close() });
  }

  /** The system sends what it was given, while the connection stands. */
  drain(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Half closes, and waits for the other side's end: what comes at a connection that is gone, such as an echo, has the
   * system throw away what it has not yet sent.
   */
  async finish(signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#writer.close(), signal);
    const { promise: silent, resolve } = Promise.withResolvers<void>();
    let timer = setTimeout(resolve, this.#silenceMs);
    this.#onBytes = () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, this.#silenceMs);
    };
    try {
      await unlessAborted(Promise.race([this.#reader.closed, silent]), signal);
    } finally {
      this.#onBytes = () => {};
      clearTimeout(timer);
    }
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
