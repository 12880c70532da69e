import type { ByteStream, CommandContext } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { pause } from "../../src/pause.ts";
import { unlessAborted } from "./abortable.ts";
import { EscapeSequence } from "./escape_sequence.ts";
import type { PySerialClient } from "./serial_client.ts";

/** How long to wait before a port that has gone away is tried again, in milliseconds. */
const retryMs = 500;

/**
 * Connects this terminal with the port until the user leaves, or the port or the exporter ends the connection. The
 * terminal is as it was before, however that comes about.
 */
export async function runConsole(serial: PySerialClient, context: CommandContext): Promise<void> {
  if (!context.isInteractive) {
    throw new JumpstarterError("usage", "a console needs a terminal to type at", {
      hint: "to talk to the port from a script, use: pipe",
    });
  }
  const over = new AbortController();
  const session = new Console(serial, context, AbortSignal.any([context.signal, over.signal]));
  const name = `"${serial.link.name}"`;
  try {
    // A port that is not there is told before anything is done to the terminal.
    await session.connect();
    context.notice(`Connected to ${name}; press ctrl-B three times to leave`);
    const outcome = await session.converse();
    context.notice(outcome === "left" ? `\nLeft ${name}` : `\n${name} has ended the connection`);
  } finally {
    over.abort();
  }
}

/** How a conversation can end, unless in an error. */
type Outcome = "left" | "ended";

class Console {
  readonly #serial: PySerialClient;
  readonly #context: CommandContext;
  readonly #signal: AbortSignal;
  #readable: ByteStream["readable"] | undefined;
  /** Takes what is typed, while there is somebody to take it. */
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;

  /** @param signal Ends everything. */
  constructor(serial: PySerialClient, context: CommandContext, signal: AbortSignal) {
    this.#serial = serial;
    this.#context = context;
    this.#signal = signal;
  }

  async connect(): Promise<void> {
    const { readable, writable } = await this.#serial.connect({ signal: this.#signal });
    this.#readable = readable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {/* told by what is read */});
  }

  async converse(): Promise<Outcome> {
    using raw = this.#context.rawTerminal();
    if (raw === undefined) throw new JumpstarterError("internal", "the terminal cannot be had");
    return await unlessAborted(Promise.race([this.#send(), this.#show()]), this.#context.signal);
  }

  /** Sends what is typed, as it comes, until the user leaves or the terminal is gone. */
  async #send(): Promise<Outcome> {
    const reader = this.#context.stdin.getReader();
    const stop = () => void reader.cancel().catch(() => {/* the terminal is gone */});
    this.#signal.addEventListener("abort", stop, { once: true });
    const escape = new EscapeSequence();
    for (;;) {
      const { value } = await reader.read().catch(() => ({ value: undefined }));
      if (value === undefined) return "left";
      const { bytes, isComplete } = escape.feed(value);
      // Not waited for: a device that takes nothing must not keep its user from leaving.
      if (bytes.length > 0) this.#writer?.write(bytes).catch(() => {/* told by what is read */});
      if (isComplete) return "left";
    }
  }

  /** Shows what the port sends. When it goes away it may come back, such as with the board's supply. */
  async #show(): Promise<Outcome> {
    for (;;) {
      try {
        for await (const bytes of this.#readable ?? []) await this.#context.writeOut(bytes);
        return "ended";
      } catch (error) {
        if (!isAway(error)) throw error;
        this.#context.notice(`\n${error.message}; waiting for it to come back`);
      }
      this.#writer = undefined;
      await this.#reconnect();
      this.#context.notice("it is back");
    }
  }

  async #reconnect(): Promise<void> {
    for (;;) {
      await pause(retryMs, this.#signal);
      this.#signal.throwIfAborted();
      try {
        return await this.connect();
      } catch (error) {
        if (!isAway(error)) throw error;
      }
    }
  }
}

function isAway(error: unknown): error is JumpstarterError {
  return error instanceof JumpstarterError && error.code === "unavailable";
}
