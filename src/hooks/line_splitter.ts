/** No line is longer than this many UTF-16 units; what goes on beyond it becomes the next line. */
export const maxLineLength = 64 * 1024;

/**
 * Cuts the bytes of one stream into lines of text.
 *
 * A character that is split over two chunks comes out whole, an invalid byte becomes U+FFFD, and a line ends at
 * `\n` or `\r\n`. A stream that never ends its line cannot fill the memory, since long lines are cut.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #onLine: (line: string) => void;
  #pending = "";
  /** Whether a part of the present line has been delivered already. */
  #isContinued = false;

  /** Makes a splitter that calls `onLine` for each line, without its line end. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes the next bytes and delivers the lines that they complete. */
  push(chunk: Uint8Array): void {
    this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** Delivers what is left: a last line need not end in a line end. */
  end(): void {
    this.#take(this.#decoder.decode());
    if (this.#pending !== "") this.#endLine();
  }

  #take(text: string): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      this.#append(text.slice(start, end));
      this.#endLine();
      start = end + 1;
    }
    this.#append(text.slice(start));
  }

  #append(text: string): void {
    this.#pending += text;
    while (this.#pending.length > maxLineLength) {
      const cut = cutBefore(this.#pending, maxLineLength);
      const part = this.#pending.slice(0, cut);
      this.#pending = this.#pending.slice(cut);
      this.#isContinued = true;
      this.#onLine(part);
    }
  }

  #endLine(): void {
    const line = this.#pending.endsWith("\r") ? this.#pending.slice(0, -1) : this.#pending;
    const isOnlyLineEnd = this.#isContinued && line === "";
    this.#pending = "";
    this.#isContinued = false;
    if (!isOnlyLineEnd) this.#onLine(line);
  }
}

/** `at`, or one less where that would tear a character of two units apart. */
function cutBefore(text: string, at: number): number {
  const unit = text.charCodeAt(at - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? at - 1 : at;
}
