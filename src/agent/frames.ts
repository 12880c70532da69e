/** What the two halves of the agent say to each other: frames of one byte of kind, four of length, and a payload. */

/** The kinds of frames; a kind's place is its number. */
const frameNames = [
  // From the agent: which program it is.
  "hello",
  // From `j`: what was typed, where, and by whom.
  "start",
  // From the agent: it will not do this, and has done nothing.
  "declined",
  // From the agent: bytes for stdout and stderr.
  "out",
  "err",
  // From the agent: the next bytes of stdin are wanted; and what `j` answers.
  "wantInput",
  "input",
  "inputEnd",
  "inputFailed",
  // From the agent: single key presses are wanted, or lines again.
  "raw",
  "cooked",
  // From `j`: the user has given up; nobody reads stdout any more.
  "interrupt",
  "outputClosed",
  // From the agent: the command has ended, with this code.
  "exit",
] as const;

/** What kind of frame it is. */
export type FrameName = (typeof frameNames)[number];

/** One frame. */
export interface Frame {
  readonly name: FrameName;
  readonly payload: Uint8Array;
}

const headerBytes = 5;
/** Output goes in pieces, so that a slow reader has the first ones early. */
const maxPieceBytes = 64 * 1024;
/** More than any command line and environment that a system takes. */
const maxPayloadBytes = 64 * 1024 * 1024;
const nothing = new Uint8Array();
const encoder = new TextEncoder(), decoder = new TextDecoder();

/** Text as a payload; bytes as they are. */
export const toBytes = (data: string | Uint8Array): Uint8Array =>
  typeof data === "string" ? encoder.encode(data) : data;

/** A payload as text. */
export const toText = (payload: Uint8Array): string => decoder.decode(payload);

/** A connection that carries frames, one reader and any number of writers at each end. */
export class FrameConnection implements Disposable {
  readonly #connection: Deno.Conn;
  #buffer = new Uint8Array(maxPieceBytes);
  /** What has been received and not yet been read, within the buffer. */
  #start = 0;
  #end = 0;
  #sent: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Takes over an open connection. */
  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The next frame; nothing once the other end has closed, or this one. */
  async receive(): Promise<Frame | undefined> {
    if (!await this.#fill(headerBytes)) return undefined;
    const view = new DataView(this.#buffer.buffer, this.#start, headerBytes);
    const name = frameNames[view.getUint8(0)];
    const length = view.getUint32(1);
    if (name === undefined || length > maxPayloadBytes) return undefined; // it is no agent that speaks there
    if (!await this.#fill(headerBytes + length)) return undefined;
    const start = this.#start + headerBytes;
    this.#start = start + length;
    return { name, payload: this.#buffer.slice(start, this.#start) };
  }

  /** Sends a frame after all others; settles once the system has it, also when the other end has closed. */
  send(name: FrameName, payload: Uint8Array = nothing): Promise<void> {
    return this.#sent = this.#sent.then(() => this.#write(name, payload));
  }

  /** Sends bytes as so many frames as it takes. */
  sendBytes(name: FrameName, bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += maxPieceBytes) {
      void this.send(name, bytes.subarray(start, start + maxPieceBytes));
    }
    return this.#sent;
  }

  /** Settles once the system has all that was sent. */
  flush(): Promise<void> {
    return this.#sent;
  }

  /** Closes both directions. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  async #write(name: FrameName, payload: Uint8Array): Promise<void> {
    let bytes = new Uint8Array(headerBytes + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, frameNames.indexOf(name));
    view.setUint32(1, payload.length);
    bytes.set(payload, headerBytes);
    try {
      while (bytes.length > 0 && !this.#isClosed) bytes = bytes.subarray(await this.#connection.write(bytes));
    } catch {
      // The other end has closed, which the reader learns too.
    }
  }

  /** Waits until so many bytes are there; `false` when the connection ends before. */
  async #fill(wanted: number): Promise<boolean> {
    while (this.#end - this.#start < wanted) {
      this.#makeRoom(wanted);
      try {
        const count = this.#isClosed ? null : await this.#connection.read(this.#buffer.subarray(this.#end));
        if (count === null) return false;
        this.#end += count;
      } catch {
        return false;
      }
    }
    return true;
  }

  #makeRoom(wanted: number): void {
    if (this.#buffer.length - this.#start >= wanted && this.#end < this.#buffer.length) return;
    const kept = this.#buffer.subarray(this.#start, this.#end);
    if (wanted > this.#buffer.length) {
      const larger = new Uint8Array(wanted);
      larger.set(kept);
      this.#buffer = larger;
    } else {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#end -= this.#start;
    this.#start = 0;
  }
}
