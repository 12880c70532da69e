/**
 * Files that clients have open and use by a handle, from one call to the next.
 */
import { JumpstarterError } from "../../src/errors.ts";
import type { Reader, Writer } from "./storage.ts";

/** Where a position counts from, as C and Python number it: the start, the present position, the end. */
export type Whence = 0 | 1 | 2;

/** A file that one client has open. Calls that use it take their turns. */
export abstract class OpenFile {
  /** Its path, as the client gave it. */
  readonly name: string;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  /** Makes the open file of a path. */
  constructor(name: string) {
    this.name = name;
  }

  /** Whether it can be read, and where. */
  get isReadable(): boolean {
    return false;
  }

  /** Whether it can be written. */
  get isWritable(): boolean {
    return false;
  }

  /** Whether it is closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Closes the file; one that was written takes its place now. Closing it once more does nothing.
   *
   * @throws {JumpstarterError} `io` when a part of it is missing. Nothing of it is kept then.
   */
  close(): Promise<void> {
    return this.#end(() => this.finish());
  }

  /** Closes the file, and keeps nothing of what was written. Answers whether it was open. */
  async discard(): Promise<boolean> {
    let wasOpen = false;
    if (!this.#isClosed) this.cut();
    await this.#end(() => {
      wasOpen = true;
      return this.free();
    });
    return wasOpen;
  }

  /** Does something with the file when those who came before are done with it. */
  protected inTurn<T>(use: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => {
      this.assertOpen();
      return use();
    });
    this.#turn = turn.catch(() => {/* for its own caller to hear */});
    return turn;
  }

  protected assertOpen(): void {
    if (this.#isClosed) throw this.refusal("is closed");
  }

  protected refusal(reason: string): JumpstarterError {
    return new JumpstarterError("invalid_argument", `the file "${this.name}" ${reason}`);
  }

  /** What closing does. */
  protected abstract finish(): Promise<void>;

  /** Ends what is under way, where it might take long. */
  protected cut(): void {}

  /** Lets go of what is behind the file. */
  protected abstract free(): Promise<void>;

  #end(last: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      await last();
    });
    this.#turn = turn.catch(() => {/* for its own caller to hear */});
    return turn;
  }
}

/** A file that is open for reading. */
export class ReadableFile extends OpenFile {
  readonly #reader: Reader;
  #position = 0;

  /** Makes the open file of a reader, which is its own from now on. */
  constructor(name: string, reader: Reader) {
    super(name);
    this.#reader = reader;
  }

  override get isReadable(): boolean {
    return !this.isClosed;
  }

  /** Where reading goes on, in bytes from the start. */
  get position(): number {
    this.assertOpen();
    return this.#position;
  }

  /** Moves to a position, which may lie behind the end; answers it as counted from the start. */
  seek(offset: number, whence: Whence): number {
    const start = [0, this.position, this.#reader.size][whence];
    if (start === undefined) throw this.refusal("has no known end to count from");
    if (start + offset < 0) throw this.refusal("has nothing before its start");
    return this.#position = start + offset;
  }

  /** Sends all from the position on to what `open` opens. */
  read(open: () => Promise<WritableStream<Uint8Array>>, signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      const writer = (await open()).getWriter();
      try {
        for await (const bytes of this.#reader.read(this.#position, signal)) {
          await writer.write(bytes);
          this.#position += bytes.length;
        }
        signal.throwIfAborted();
        await writer.close();
      } catch (error) {
        await writer.abort(error).catch(() => {/* it has failed by itself */});
        throw error;
      }
    });
  }

  protected override finish(): Promise<void> {
    return this.free();
  }

  protected override async free(): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
  }
}

/** A file that is open for writing. */
export class WritableFile extends OpenFile {
  readonly #writer: Writer;
  readonly #onKept: () => void;
  /** Why the file will not be kept. */
  #failure: string | undefined;

  /**
   * Makes the open file of a writer, which is its own from now on.
   *
   * @param onKept Told when the file has taken its place.
   */
  constructor(name: string, writer: Writer, onKept: () => void) {
    super(name);
    this.#writer = writer;
    this.#onKept = onKept;
  }

  override get isWritable(): boolean {
    return !this.isClosed;
  }

  /** Appends all that comes from what `open` opens. If not all has come, the file will not be kept. */
  write(open: () => Promise<ReadableStream<Uint8Array>>, signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      try {
        for await (const bytes of await open()) await this.#writer.write(bytes);
        signal.throwIfAborted();
      } catch (error) {
        this.#failure ??= error instanceof Error ? error.message : String(error);
        throw error;
      }
    });
  }

  protected override async finish(): Promise<void> {
    await using writer = this.#writer;
    if (this.#failure !== undefined) {
      throw new JumpstarterError("io", `"${this.name}" was not written: ${this.#failure}`);
    }
    await writer.commit();
    this.#onKept();
  }

  protected override cut(): void {
    this.#writer.cut?.();
  }

  protected override async free(): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
  }
}
