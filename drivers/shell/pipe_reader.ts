/** How often a pipe that its writers hold open is looked at, in milliseconds. */
const quietTickMs = 25;
/** After this many looks without output the pipes count as quiet: 250 ms. */
const quietTicks = 10;
/** What is read after a program's end at most, in bytes: more than the pipes can hold of what it wrote itself. */
const maxRestBytes = 4 * 1024 * 1024;

/** What came from both pipes. */
type Texts = [stdout: string, stderr: string];

/** One pipe. */
interface Pipe {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly decoder: TextDecoder;
  isReading: boolean;
  arrived: Uint8Array | undefined;
  hasEnded: boolean;
}

/**
 * Reads two pipes as text, whichever has any, and whole characters only: the first bytes of one wait for the rest.
 * Of each pipe no more than one chunk is read ahead.
 */
export class PipeReader implements AsyncDisposable {
  readonly #pipes: readonly [Pipe, Pipe];
  /** Resolved when anything happens, and renewed each turn: what is raced with grows by each race until it settles. */
  #news = Promise.withResolvers<void>();

  /** Reads both streams, which are this reader's own from now on. */
  constructor(stdout: ReadableStream<Uint8Array>, stderr: ReadableStream<Uint8Array>) {
    this.#pipes = [openPipe(stdout), openPipe(stderr)];
  }

  /** What comes until both pipes have ended, or `over` is settled. */
  async *until(over: Promise<unknown>): AsyncGenerator<Texts> {
    let isOver = false;
    const end = () => {
      isOver = true;
      this.#news.resolve();
    };
    over.then(end, end);
    while (!isOver && !this.#hasEnded()) {
      this.#read();
      await this.#hear();
      const texts = this.#take();
      if (texts !== undefined) yield texts;
    }
    // Both pipes may end long before the program that wrote to them.
    await over;
  }

  /**
   * What is left when the program has ended. A pipe ends only when everybody who inherited it has closed it, and a
   * daemon may never do so; what the program itself wrote is in the pipe already, so it is enough to read until there
   * is quiet. Time is counted in turns of the event loop, so that a stall of this program loses nothing.
   */
  async *rest(): AsyncGenerator<Texts> {
    let bytes = 0, quiet = 0;
    while (quiet < quietTicks && bytes < maxRestBytes && !this.#hasEnded()) {
      quiet = await this.#arrivesWithin(quietTickMs) ? 0 : quiet + 1;
      for (const { arrived } of this.#pipes) bytes += arrived?.length ?? 0;
      const texts = this.#take();
      if (texts !== undefined) yield texts;
    }
  }

  /** The bytes of characters that were never finished. */
  flush(): Texts {
    const [stdout, stderr] = this.#pipes;
    return [stdout.decoder.decode(), stderr.decoder.decode()];
  }

  /** Lets go of both pipes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#pipes.map(({ reader }) => reader.cancel()));
  }

  #hasEnded(): boolean {
    return this.#pipes.every(({ hasEnded, arrived }) => hasEnded && arrived === undefined);
  }

  /** Begins a read where none is under way and nothing waits to be taken. */
  #read(): void {
    for (const pipe of this.#pipes) {
      if (pipe.isReading || pipe.hasEnded || pipe.arrived !== undefined) continue;
      void readInto(pipe).then(() => this.#news.resolve());
    }
  }

  /** Waits until anything happens. */
  async #hear(): Promise<void> {
    await this.#news.promise;
    this.#news = Promise.withResolvers();
  }

  #take(): Texts | undefined {
    const [stdout, stderr] = this.#pipes.map((pipe) => {
      if (pipe.arrived === undefined) return "";
      const text = pipe.decoder.decode(pipe.arrived, { stream: true });
      pipe.arrived = undefined;
      return text;
    });
    return stdout || stderr ? [stdout ?? "", stderr ?? ""] : undefined;
  }

  /** Whether anything comes, an end included, before the time is over. */
  async #arrivesWithin(limitMs: number): Promise<boolean> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#news.resolve();
    }, limitMs);
    this.#read();
    await this.#hear();
    clearTimeout(timer);
    return !isLate;
  }
}

function openPipe(stream: ReadableStream<Uint8Array>): Pipe {
  return {
    reader: stream.getReader(),
    // A byte order mark is output like any other.
    decoder: new TextDecoder("utf-8", { ignoreBOM: true }),
    isReading: false,
    arrived: undefined,
    hasEnded: false,
  };
}

/** Reads one chunk. A pipe that cannot be read has ended. */
async function readInto(pipe: Pipe): Promise<void> {
  pipe.isReading = true;
  try {
    const next = await pipe.reader.read();
    pipe.arrived = next.value;
    pipe.hasEnded = next.done;
  } catch {
    pipe.hasEnded = true;
  } finally {
    pipe.isReading = false;
  }
}
