/** HTTP/2 frames as bytes: just enough to tell them apart and to know which streams are open. */

/** What a client says first. */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const HEADER_BYTES = 9;
const NOTHING = new Uint8Array();

/** The frame types that matter here. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  goaway: 7,
  continuation: 9,
} as const;

/** What a client says first, with settings that change nothing. */
export const GREETING: Uint8Array = new Uint8Array([...PREFACE, 0, 0, 0, FRAME.settings, 0, 0, 0, 0, 0]);

const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const REFUSED_STREAM = 0x7;

/** An RST_STREAM frame saying that nothing was done for `streamId`. */
export function refusal(streamId: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + 4));
  view.setUint32(0, (4 << 8) | FRAME.reset);
  view.setUint32(5, streamId);
  view.setUint32(9, REFUSED_STREAM);
  return new Uint8Array(view.buffer);
}

/** Told of each frame's header; returns whether the frame passes. `length` is that of its payload. */
export type FrameVisitor = (type: number, flags: number, streamId: number, length: number) => boolean;

/**
 * Finds the frames in a byte stream, however it is cut. Runs of bytes that pass come out as views of what came in; only
 * a header that was cut in two is put together.
 */
export class FrameScanner {
  readonly #visit: FrameVisitor;
  readonly #dropped: (payload: Uint8Array) => void;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #prefaceBytes: number;
  #payloadLeft = 0;
  #isDropping = false;
  #droppedPayload: number[] = [];
  #isFirstFrame = true;
  /** Whether the bytes turned out not to be HTTP/2. */
  isForeign = false;
  #isInHeaderBlock = false;

  /**
   * @param hasPreface Whether the stream starts with the connection preface: it comes from a client.
   * @param visit Told of each frame.
   * @param dropped Told when a frame that does not pass is over, with the first eight bytes of its payload.
   */
  constructor(hasPreface: boolean, visit: FrameVisitor, dropped: (payload: Uint8Array) => void = () => {}) {
    this.#visit = visit;
    this.#dropped = dropped;
    this.#prefaceBytes = hasPreface ? 0 : PREFACE.length;
  }

  /** Whether a frame may be put in here: between two frames, and not inside a header block. */
  get isBetweenFrames(): boolean {
    return this.#payloadLeft === 0 && this.#headerBytes === 0 && !this.#isInHeaderBlock && !this.#isFirstFrame;
  }

  /** The parts of `chunk` that pass, each to be handed on in order. */
  scan(chunk: Uint8Array): Uint8Array[] {
    const passed: Uint8Array[] = [];
    let at = this.#scanPreface(chunk);
    let from = 0;
    while (at < chunk.length && !this.isForeign) {
      if (this.#payloadLeft > 0) {
        const end = Math.min(chunk.length, at + this.#payloadLeft);
        if (this.#isDropping) {
          this.#drop(chunk.subarray(at, end));
          from = end;
        } else this.#payloadLeft -= end - at;
        at = end;
        continue;
      }
      const held = this.#headerBytes;
      const taken = Math.min(HEADER_BYTES - held, chunk.length - at);
      this.#header.set(chunk.subarray(at, at + taken), held);
      this.#headerBytes += taken;
      if (this.#headerBytes < HEADER_BYTES) {
        if (at > from) passed.push(chunk.subarray(from, at));
        return passed;
      }
      this.#headerBytes = 0;
      if (this.#startFrame()) {
        if (held > 0) passed.push(this.#header.slice(0, held));
      } else {
        if (at > from) passed.push(chunk.subarray(from, at));
        from = at + taken;
      }
      at += taken;
    }
    if (from < chunk.length) passed.push(chunk.subarray(from));
    return passed;
  }

  /** What is held back of a header that the end of the stream cut off. */
  rest(): Uint8Array {
    return this.#header.slice(0, this.#headerBytes);
  }

  /** How much of `chunk` is connection preface. */
  #scanPreface(chunk: Uint8Array): number {
    let at = 0;
    while (this.#prefaceBytes < PREFACE.length && at < chunk.length) {
      if (chunk[at++] !== PREFACE[this.#prefaceBytes++]) {
        this.isForeign = true;
        break;
      }
    }
    return at;
  }

  /** Reads the header that has come together; says whether its frame passes. */
  #startFrame(): boolean {
    const header = this.#header;
    const view = new DataView(header.buffer);
    const type = view.getUint8(3);
    const flags = view.getUint8(4);
    this.#payloadLeft = view.getUint32(0) >>> 8;
    // A side's first frame is always SETTINGS, so anything else is not HTTP/2.
    if (this.#isFirstFrame && type !== FRAME.settings) this.isForeign = true;
    this.#isFirstFrame = false;
    if (this.isForeign) return true;
    if (type === FRAME.headers || type === FRAME.pushPromise || type === FRAME.continuation) {
      this.#isInHeaderBlock = (flags & END_HEADERS) === 0;
    }
    this.#isDropping = !this.#visit(type, flags, view.getUint32(5) & 0x7fff_ffff, this.#payloadLeft);
    if (this.#isDropping && this.#payloadLeft === 0) this.#drop(NOTHING);
    return !this.#isDropping;
  }

  /** Skips a part of a frame that does not pass, keeping its first eight bytes: all that a GOAWAY is asked for. */
  #drop(part: Uint8Array): void {
    this.#droppedPayload.push(...part.subarray(0, 8 - this.#droppedPayload.length));
    this.#payloadLeft -= part.length;
    if (this.#payloadLeft > 0) return;
    const payload = Uint8Array.from(this.#droppedPayload);
    this.#droppedPayload = [];
    this.#dropped(payload);
  }
}

/** Which streams of a connection are open, by the frames that go over it. Streams that a server pushes do not count. */
export class OpenStreams {
  /** Each open stream, and which of its sides have ended. */
  readonly #sides = new Map<number, number>();
  #highest = 0;

  /** How many are open. */
  get size(): number {
    return this.#sides.size;
  }

  /** Notes one frame. */
  note(sender: "client" | "server", type: number, flags: number, streamId: number): void {
    if (type === FRAME.headers && sender === "client" && streamId > this.#highest) {
      this.#highest = streamId;
      this.#sides.set(streamId, 0);
    }
    if (type === FRAME.reset) this.#sides.delete(streamId);
    if ((flags & END_STREAM) === 0 || (type !== FRAME.headers && type !== FRAME.data)) return;
    const ended = this.#sides.get(streamId);
    if (ended === undefined) return;
    const now = ended | (sender === "client" ? 1 : 2);
    if (now === 3) this.#sides.delete(streamId);
    else this.#sides.set(streamId, now);
  }

  /** Forgets the streams above `lastId`, and names them. */
  takeAbove(lastId: number): number[] {
    const above = [...this.#sides.keys()].filter((id) => id > lastId);
    for (const id of above) this.#sides.delete(id);
    return above;
  }
}
