/** Pieces smaller than this are put together, so that bytes that come one by one do not cost a buffer each. */
const smallBytes = 4 * 1024;

/** Bytes that wait, in their order. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  /** The last piece, where it is this queue's own and may have room. */
  #open: { readonly buffer: Uint8Array; length: number } | undefined;
  #length = 0;

  /** How many bytes wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes. They are kept as they are unless they are few, so leave them as they are. */
  push(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (bytes.length >= smallBytes) {
      this.#seal();
      this.#pieces.push(bytes);
      return;
    }
    if (this.#open !== undefined && this.#open.length + bytes.length > this.#open.buffer.length) this.#seal();
    this.#open ??= { buffer: new Uint8Array(smallBytes), length: 0 };
    this.#open.buffer.set(bytes, this.#open.length);
    this.#open.length += bytes.length;
  }

  /** Takes the next piece; nothing when none waits. */
  take(): Uint8Array | undefined {
    if (this.#pieces.length === 0) this.#seal();
    const piece = this.#pieces.shift();
    this.#length -= piece?.length ?? 0;
    return piece;
  }

  #seal(): void {
    if (this.#open !== undefined) this.#pieces.push(this.#open.buffer.subarray(0, this.#open.length));
    this.#open = undefined;
  }
}
