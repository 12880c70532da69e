import { JumpstarterError } from "../errors.ts";
import type { Terminal, TerminalFacts } from "../terminal.ts";
import { type FrameConnection, toBytes, toText } from "./frames.ts";

/** The terminal of a `j` at the other end of a connection. */
export class RemoteTerminal implements Terminal {
  readonly facts: TerminalFacts;
  readonly stdin: ReadableStream<Uint8Array>;
  readonly #connection: FrameConnection;
  readonly #stop = new AbortController();
  #isOutputClosed = false;
  /** Settled by what answers the last question for input. */
  #input = Promise.withResolvers<Uint8Array | undefined>();

  /** Makes the terminal that `facts` describe. */
  constructor(connection: FrameConnection, facts: TerminalFacts) {
    this.#connection = connection;
    this.facts = facts;
    // Asks for no byte before it is read: in a loop, what the command leaves is for the loop.
    this.stdin = new ReadableStream({ pull: (controller) => this.#pull(controller) }, { highWaterMark: 0 });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isOutputClosed(): boolean {
    return this.#isOutputClosed;
  }

  writeOut(output: Uint8Array | string): Promise<void> {
    return this.#connection.sendBytes("out", toBytes(output));
  }

  writeErr(output: Uint8Array | string): Promise<void> {
    return this.#connection.sendBytes("err", toBytes(output));
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  setRaw(isRaw: boolean): void {
    void this.#connection.send(isRaw ? "raw" : "cooked");
  }

  /** Takes what the `j` says until it has gone. */
  async listen(): Promise<void> {
    for (let frame = await this.#connection.receive(); frame !== undefined; frame = await this.#connection.receive()) {
      if (frame.name === "input") this.#input.resolve(frame.payload);
      else if (frame.name === "inputEnd") this.#input.resolve(undefined);
      else if (frame.name === "inputFailed") this.#input.reject(new JumpstarterError("io", toText(frame.payload)));
      else if (frame.name === "interrupt") this.#stop.abort(new JumpstarterError("cancelled", "Interrupted"));
      else if (frame.name === "outputClosed") this.#closeOutput();
    }
    this.abandon(new JumpstarterError("cancelled", "The j that asked for this has gone"));
  }

  /** Ends what runs on this terminal. */
  abandon(reason: JumpstarterError): void {
    this.#stop.abort(reason);
    this.#input.promise.catch(() => {/* nobody may be waiting */});
    this.#input.reject(reason);
  }

  /** Says how the command has ended, after all that it has written. */
  exit(code: number): Promise<void> {
    return this.#connection.send("exit", toBytes(String(code)));
  }

  #closeOutput(): void {
    this.#isOutputClosed = true;
    this.#stop.abort(new JumpstarterError("cancelled", "Nobody reads the output any more"));
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    void this.#connection.send("wantInput");
    const bytes = await this.#input.promise;
    if (bytes === undefined) return controller.close();
    this.#input = Promise.withResolvers();
    controller.enqueue(bytes);
  }
}
