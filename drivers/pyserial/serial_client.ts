import { type ByteStream, type CallOptions, DriverClient } from "../../src/driver/mod.ts";

/** The label by which an exporter of this project says which methods a driver has. */
const methodsLabel = "jumpstarter.dev/methods";
/** How long an exporter that cannot say when all is sent gets for it, in milliseconds. */
const lingerMs = 1_000;

/** Connects to one serial port by way of the exporter. */
export class PySerialClient extends DriverClient {
  /**
   * Connects to the port. Others may be connected as well: each sees all that the port sends, and what they write goes
   * to it in turn.
   *
   * @throws {JumpstarterError} `unavailable` when the port is not there. Reading throws it too when the port goes away
   * later on; connect again to open it anew.
   */
  connect(options?: CallOptions): Promise<ByteStream> {
    return this.openStream("connect", options);
  }

  /**
   * Sends all of `bytes` to the port and reads nothing from it. Settles when they have left the exporter's machine; a
   * Python exporter cannot say when that is, and gets a second for it.
   */
  async send(bytes: ReadableStream<Uint8Array>, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    const isAcknowledged = this.#offers("send");
    const { readable, writable } = await this.openStream(isAcknowledged ? "send" : "connect", options);
    const over = discard(readable);
    try {
      await Promise.all([bytes.pipeTo(writable, { signal }), isAcknowledged && over.ended]);
      if (!isAcknowledged) await over.within(lingerMs);
    } finally {
      over.cancel();
    }
  }

  /** Ends every connection to the port, those of others too, and closes it. The next connection opens it again. */
  async close(options?: CallOptions): Promise<void> {
    await this.call("close", [], options);
  }

  /**
   * Sets the DTR line. It keeps its state for as long as somebody is connected to the port, and beyond that where the
   * exporter's config has `disable_hupcl: true`.
   *
   * @throws {JumpstarterError} `unimplemented` when the port has no such line.
   */
  async setDtr(value: boolean, options?: CallOptions): Promise<void> {
    await this.call("set_dtr", [value], options);
  }

  /** Sets the RTS line, as {@linkcode setDtr} does the other. */
  async setRts(value: boolean, options?: CallOptions): Promise<void> {
    await this.call("set_rts", [value], options);
  }

  #offers(stream: string): boolean {
    return (this.link.labels[methodsLabel] ?? "").split(" ").includes(`${stream}:openStream`);
  }
}

/** Reads a stream to its end and keeps nothing. */
function discard(readable: ReadableStream<Uint8Array>) {
  const cancelled = new AbortController();
  const ended = readable.pipeTo(new WritableStream(), { signal: cancelled.signal });
  // Whoever waits for the end is told.
  ended.catch(() => {});
  return {
    ended,
    cancel: () => cancelled.abort(),
    /** Waits for the end, or for some time. */
    async within(limitMs: number): Promise<void> {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, limitMs);
      await Promise.race([ended, late]).finally(() => clearTimeout(timer));
    },
  };
}
