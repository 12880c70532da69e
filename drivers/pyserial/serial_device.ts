import type { ByteStream } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Logger } from "../../src/log.ts";
import { type Libc, openLibc } from "./libc.ts";
import { openLoop } from "./loop_stream.ts";
import { Pace } from "./pace.ts";
import { formatPortUrl, type PortUrl } from "./port_url.ts";
import type { ModemLine, SerialPort } from "./serial_port.ts";
import { type Direction, SharedPort } from "./shared_port.ts";
import { SocketPort } from "./socket_port.ts";
import { Tty } from "./tty.ts";
import { unlessAborted } from "./abortable.ts";

/** The `config` section of a serial port. */
export interface SerialConfig {
  /** Where the port is. */
  readonly url: PortUrl;
  /** Bits per second. */
  readonly baudrate: number;
  /** Whether the port must be there when the exporter starts. */
  readonly check_present: boolean;
  /** How many bytes per second are written at most; no limit without it. */
  readonly cps?: number;
  /** Whether the modem lines stay as they are when the port is closed. */
  readonly disable_hupcl: boolean;
}

/** How far a port may be from the speed that was asked for; what is further garbles bytes. */
const speedTolerance = 0.03;

/** A serial port that is open for as long as somebody is connected to it. */
export class SerialDevice implements AsyncDisposable {
  readonly #config: SerialConfig;
  readonly #log: Logger;
  readonly #libc: Libc | undefined;
  readonly #pace: Pace | undefined;
  #shared: SharedPort | undefined;
  /** Opening and closing, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  /**
   * Makes the device of a config, and sees that its port is there if it has to be.
   *
   * @throws {JumpstarterError} `config` where this program cannot use serial ports at all, and what opening throws.
   */
  static async start(config: SerialConfig, log: Logger): Promise<SerialDevice> {
    const device = new SerialDevice(config, log);
    try {
      if (config.check_present) await device.#probe();
      return device;
    } catch (error) {
      await device[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(config: SerialConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#libc = config.url.kind === "device" ? openLibc() : undefined;
    this.#pace = config.cps ? new Pace(config.cps) : undefined;
  }

  /** Connects a client: to the port that is open already, where there is one. */
  async connect(direction: Direction, signal?: AbortSignal): Promise<ByteStream> {
    if (this.#config.url.kind === "loop") return openLoop(direction, this.#pace);
    return await this.#inTurn(signal, async () => (await this.#open(signal)).connect(direction));
  }

  /** Ends every client's connection and closes the port. The next one opens it again. */
  async close(): Promise<void> {
    await this.#shared?.close();
  }

  /** Sets a modem line; where nobody is connected the port is opened for that alone. */
  async setLine(line: ModemLine, value: boolean, signal?: AbortSignal): Promise<void> {
    // Like a plug that connects the port with itself: it has the lines, and nobody looks at them.
    if (this.#config.url.kind === "loop") return;
    await this.#inTurn(signal, async () => {
      if (this.#shared?.isOpen) return this.#shared.port.setLine(line, value);
      await this.#isClosed(signal);
      const port = await this.#openPort(signal);
      try {
        port.setLine(line, value);
      } finally {
        await port.close();
      }
    });
  }

  /** Closes the port and lets go of everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inTurn(undefined, () => this.close());
    this.#libc?.[Symbol.dispose]();
  }

  async #probe(): Promise<void> {
    if (this.#config.url.kind === "loop") return;
    const port = await this.#openPort();
    await port.close();
  }

  async #open(signal?: AbortSignal): Promise<SharedPort> {
    if (this.#shared?.isOpen) return this.#shared;
    await this.#isClosed(signal);
    const port = await this.#openPort(signal);
    const name = formatPortUrl(this.#config.url);
    this.#log.info(`opened ${name}`);
    const onClosed = (reason: unknown) => {
      if (reason === undefined) this.#log.info(`closed ${name}`);
      else this.#log.warning(reason instanceof Error ? reason.message : String(reason));
    };
    return this.#shared = new SharedPort(port, { pace: this.#pace, onClosed });
  }

  /** Waits until the port that was open before has been given back. */
  async #isClosed(signal?: AbortSignal): Promise<void> {
    if (this.#shared !== undefined) await unlessAborted(this.#shared.closed, signal);
  }

  async #openPort(signal?: AbortSignal): Promise<SerialPort> {
    const { url, baudrate, disable_hupcl: keepsLines } = this.#config;
    if (url.kind === "socket") return await SocketPort.open(url.host, url.port, { signal });
    if (url.kind === "loop" || this.#libc === undefined) {
      throw new JumpstarterError("internal", "there is no port to open");
    }
    const { port, baudrate: actual } = await Tty.open(this.#libc, url.path, { baudrate, keepsLines });
    if (Math.abs(actual / baudrate - 1) > speedTolerance) {
      this.#log.warning(`${url.path} cannot do ${baudrate} baud, and is set to ${actual} instead`);
    }
    return port;
  }

  /** Waits until what was begun before has ended, then does `task`. */
  async #inTurn<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#turn = before.then(() => done);
    try {
      await unlessAborted(before, signal);
      return await task();
    } finally {
      resolve();
    }
  }
}
