/**
 * The two directions of a raw connection to a device.
 *
 * Closing `writable` says "I shall send no more" and leaves `readable` open (half close); `readable` ends when the
 * other side has said so. Aborting either side tears the whole connection down. A reader that does not read stops
 * the writer at the far end.
 */
export interface ByteStream {
  /** What the other side sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes to the other side. */
  readonly writable: WritableStream<Uint8Array>;
}
