import type { ByteStream } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import { type Pace, piecesOf } from "./pace.ts";
import type { SerialPort } from "./serial_port.ts";
import { unlessAborted } from "./abortable.ts";

/** How much may wait for one client, in bytes, before the port has to wait for it. */
const maxWaitingBytes = 1024 * 1024;
/** What is written as one, in bytes: a client whose message is longer lets others come between. */
const wholeBytes = 4 * 1024;

/** What {@linkcode SharedPort} may be told. */
export interface SharedPortOptions {
  /** How fast is written; as fast as the port takes it without one. */
  readonly pace?: Pace;
  /** Told when the port is closed, with what has broken it, if that is why. */
  readonly onClosed?: (reason: unknown) => void;
  /** How long the port waits for a client that takes nothing while others do, in milliseconds; 10 s by default. */
  readonly patienceMs?: number;
}

/** What a client opens a connection for. */
export type Direction = "both" | "send";

/**
 * A port that several clients are connected to. What the port sends goes to each of them; what they write goes to the
 * port in turn. The port is closed when the last of them has left.
 */
export class SharedPort {
  readonly #port: SerialPort;
  readonly #pace: Pace | undefined;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #connections = new Set<Connection>();
  readonly #onClosed: SharedPortOptions["onClosed"];
  readonly #patienceMs: number;
  readonly #pumped: Promise<void>;
  #room = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #isOpen = true;
  /** The last client waits until all that it has sent has arrived; nobody may write after that. */
  #isFinishing = false;

  /** Takes a port over. Connect to it at once: it is closed when nobody is connected any more. */
  constructor(port: SerialPort, { pace, onClosed, patienceMs = 10_000 }: SharedPortOptions = {}) {
    this.#port = port;
    this.#pace = pace;
    this.#onClosed = onClosed;
    this.#patienceMs = patienceMs;
    this.#writer = port.writable.getWriter();
    // How the port ends is told by what is read from it.
    this.#writer.closed.catch(() => {});
    this.#pumped = this.#pump();
  }

  /** Whether it can be connected to. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isFinishing;
  }

  /** Settles when the port has been given back. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The port itself. */
  get port(): SerialPort {
    return this.#port;
  }

  /**
   * Connects one client. One that only sends has nothing to read, and the end of its reading says that all it has
   * written has left this machine.
   */
  connect(direction: Direction): ByteStream {
    const connection = new Connection(direction, {
      write: (bytes, signal) => this.#write(bytes, signal),
      drain: (signal) => this.#drain(signal),
      took: () => this.#room.resolve(),
      left: () => this.#leave(connection),
    });
    this.#connections.add(connection);
    // Whoever held up nobody may hold up this one.
    this.#room.resolve();
    return connection;
  }

  /** Ends every connection and closes the port. */
  close(reason?: unknown): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#close(reason).then(this.#closed.resolve, this.#closed.reject);
    }
    return this.closed;
  }

  async #close(reason: unknown): Promise<void> {
    for (const connection of [...this.#connections]) connection.end(reason);
    this.#room.resolve();
    await this.#port.close();
    await this.#pumped;
    this.#onClosed?.(reason);
  }

  #leave(connection: Connection): void {
    this.#connections.delete(connection);
    this.#room.resolve();
    if (this.#connections.size === 0) void this.close();
  }

  /** Hands on what the port sends. Never rejects: how the port ends is for its clients to know. */
  async #pump(): Promise<void> {
    let reason: unknown;
    try {
      for await (const bytes of this.#port.readable) {
        for (const connection of this.#connections) connection.push(bytes);
        await this.#haveRoom();
      }
    } catch (error) {
      reason = error;
    }
    // Closing waits for this function, which must not wait for closing.
    void this.close(reason);
  }

  /** Waits until no client has too much waiting, and cuts those off that hold up the others. */
  async #haveRoom(): Promise<void> {
    while (this.#isOpen) {
      const readers = [...this.#connections].filter((connection) => connection.isReader);
      const full = readers.filter((connection) => connection.isFull);
      if (full.length === 0) return;
      const holdsUp = full.length < readers.length;
      const late = full.filter((connection) => connection.idleMs >= this.#patienceMs);
      if (holdsUp && late.length > 0) late.forEach((connection) => connection.end(tooSlow(this.#patienceMs)));
      else await this.#change(holdsUp ? this.#patienceMs - Math.max(...full.map(({ idleMs }) => idleMs)) : undefined);
    }
  }

  /** Waits until a client has taken something or left, or for some time. */
  async #change(limitMs: number | undefined): Promise<void> {
    this.#room = Promise.withResolvers();
    const timer = limitMs === undefined ? undefined : setTimeout(this.#room.resolve, limitMs);
    await this.#room.promise;
    clearTimeout(timer);
  }

  /** Nothing gets lost of a connection that goes on; one that ends with this client is ended with care. */
  async #drain(signal: AbortSignal): Promise<void> {
    if (this.#port.finish === undefined || this.#connections.size > 1) return await this.#port.drain(signal);
    this.#isFinishing = true;
    await this.#port.finish(signal);
  }

  async #write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (const piece of piecesOf(bytes, this.#pace?.pieceBytes ?? wholeBytes)) {
      await this.#pace?.turn(piece.length, signal);
      // What the port does not take must not keep its sender from leaving.
      await unlessAborted(this.#writer.write(piece), signal);
    }
  }
}

/** What a connection asks of its port. */
interface ConnectionParts {
  readonly write: (bytes: Uint8Array, signal: AbortSignal) => Promise<void>;
  readonly drain: (signal: AbortSignal) => Promise<void>;
  /** Some of what waited was taken. */
  readonly took: () => void;
  readonly left: () => void;
}

/** One client's connection. */
class Connection implements ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** Whether it takes what the port sends. */
  readonly isReader: boolean;
  readonly #parts: ConnectionParts;
  readonly #waiting = new ByteQueue();
  #arrived = Promise.withResolvers<void>();
  #end: { readonly reason: unknown } | undefined;
  #takenAt = performance.now();

  constructor(direction: Direction, parts: ConnectionParts) {
    this.isReader = direction === "both";
    this.#parts = parts;
    this.readable = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.end(),
    }, { highWaterMark: 0 });
    const leaving = new AbortController();
    this.writable = new WritableStream({
      start({ signal }) {
        signal.addEventListener("abort", () => leaving.abort(signal.reason));
      },
      write: (bytes) => this.#write(bytes, leaving.signal),
      close: () => this.#finish(leaving.signal),
    });
    leaving.signal.addEventListener("abort", () => this.end());
  }

  /** Whether the port has to wait for its client. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaitingBytes;
  }

  /** For how long its client has taken nothing. */
  get idleMs(): number {
    return performance.now() - this.#takenAt;
  }

  /** Hands over what the port has sent. */
  push(bytes: Uint8Array): void {
    if (!this.isReader) return;
    if (this.#waiting.length === 0) this.#takenAt = performance.now();
    this.#waiting.push(bytes);
    this.#arrived.resolve();
  }

  /** Ends it, when what waits has been taken; with an error where there is a reason. */
  end(reason?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    this.#arrived.resolve();
    this.#parts.left();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      const bytes = this.#waiting.take();
      if (bytes !== undefined) {
        this.#takenAt = performance.now();
        this.#parts.took();
        return controller.enqueue(bytes);
      }
      if (this.#end !== undefined) {
        return this.#end.reason === undefined ? controller.close() : controller.error(this.#end.reason);
      }
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  async #write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      if (this.#end === undefined) await this.#parts.write(bytes, signal);
    } catch (error) {
      // What ended the connection is told rather than what that did to this write.
      throw this.#end?.reason ?? error;
    }
    if (this.#end !== undefined) throw this.#end.reason ?? closedError();
  }

  async #finish(signal: AbortSignal): Promise<void> {
    if (this.isReader) return;
    await this.#parts.drain(signal);
    this.end();
  }
}

function closedError(): JumpstarterError {
  return new JumpstarterError("unavailable", "the connection to the serial port was closed");
}

function tooSlow(patienceMs: number): JumpstarterError {
  return new JumpstarterError(
    "unavailable",
    `this connection was cut off: it has taken nothing for ${patienceMs / 1_000} s, and others wait for the port`,
  );
}
