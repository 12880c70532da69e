import type { ByteStream } from "../../src/driver/mod.ts";

/** A modem line that this end sets. */
export type ModemLine = "dtr" | "rts";

/** A port that is open, for whoever has opened it. */
export interface SerialPort extends ByteStream {
  /** Waits until what was written has left this machine; gives up when `signal` fires. */
  drain(signal: AbortSignal): Promise<void>;
  /**
   * Ends writing, and waits until the other side has taken all of it, as far as can be told; gives up when `signal`
   * fires. What comes meanwhile has to be read. For ports whose bytes closing would lose though they are drained.
   */
  finish?(signal: AbortSignal): Promise<void>;
  /**
   * Sets a modem line.
   *
   * @throws {JumpstarterError} `unimplemented` where the port has no such line.
   */
  setLine(line: ModemLine, value: boolean): void;
  /** Ends both directions, whatever they wait for, and gives the port back. */
  close(): Promise<void>;
}
