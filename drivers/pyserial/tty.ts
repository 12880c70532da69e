import { JumpstarterError } from "../../src/errors.ts";
import type { Libc } from "./libc.ts";
import type { ModemLine, SerialPort } from "./serial_port.ts";
import { type LineSettings, rawTermios, speedOf, termios2 } from "./termios.ts";

/** What this file asks of Linux, by the names that its manual has. */
const O_RDWR = 0o2, O_NOCTTY = 0o400, O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
const LOCK_EX = 2, LOCK_NB = 4;
const POLLIN = 0x1, POLLOUT = 0x4, POLLERR = 0x8, POLLHUP = 0x10, POLLNVAL = 0x20;
const TIOCEXCL = 0x540c, TIOCNXCL = 0x540d, TIOCOUTQ = 0x5411, TIOCMBIS = 0x5416, TIOCMBIC = 0x5417;
const TCFLSH = 0x540b, TCIFLUSH = 0;
const modemBits: Readonly<Record<ModemLine, number>> = { dtr: 0x2, rts: 0x4 };

/** How much is read at once, in bytes. */
const readBytes = 64 * 1024;
/** How often a port that drains is looked at, in milliseconds. */
const drainTickMs = 5;

/** The errors by which Linux says that the device is not there, or not any more. */
const absences: ReadonlySet<string> = new Set(["ENOENT", "ENXIO", "ENODEV", "EIO"]);
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EBUSY: "another program uses it",
  EAGAIN: "another program uses it",
  ENOENT: "there is no such device",
  ENODEV: "there is no such device",
  ENXIO: "there is no such device",
  ENOTTY: "it is no serial port",
  ENOTDIR: "there is no such device",
  EISDIR: "it is a directory",
};

/** A serial port of this machine, or a pseudo-terminal, which has all but the modem lines. */
export class Tty implements SerialPort {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #libc: Libc;
  readonly #path: string;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(readBytes);
  #closed: Promise<void> | undefined;

  /**
   * Opens a port for this program alone, and drops what it has received before.
   *
   * @throws {JumpstarterError} `unavailable` when it is not there or in use, `io` for other reasons.
   */
  static async open(libc: Libc, path: string, settings: LineSettings): Promise<{ port: Tty; baudrate: number }> {
    const fd = await openDevice(libc, path);
    try {
      const baudrate = setUp(libc, path, fd, settings);
      return { port: new Tty(libc, path, fd), baudrate };
    } catch (error) {
      await libc.calls.close(fd);
      throw error;
    }
  }

  private constructor(libc: Libc, path: string, fd: number) {
    this.#libc = libc;
    this.#path = path;
    this.#fd = fd;
    this.readable = new ReadableStream({
      pull: async (controller) => {
        const bytes = await this.#read();
        if (bytes === undefined) controller.close();
        else controller.enqueue(bytes);
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({
      start: (controller) => controller.signal.addEventListener("abort", () => void this.close()),
      write: (bytes) => this.#write(bytes),
    });
  }

  async drain(signal: AbortSignal): Promise<void> {
    const left = new Int32Array(1);
    const request = new Uint8Array(left.buffer);
    for (;;) {
      if (this.#closed !== undefined) throw this.#closedError();
      if (this.#libc.calls.ioctl(this.#fd, TIOCOUTQ, request) < 0 || left[0] === 0) return;
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, drainTickMs));
    }
  }

  setLine(line: ModemLine, value: boolean): void {
    const bits = new Uint8Array(Int32Array.of(modemBits[line]).buffer);
    if (this.#libc.calls.ioctl(this.#fd, value ? TIOCMBIS : TIOCMBIC, bits) === 0) return;
    const name = this.#libc.lastError();
    const what = `cannot set ${line.toUpperCase()} of ${this.#path}`;
    if (name !== "ENOTTY" && name !== "EINVAL") throw failure(what, name);
    throw new JumpstarterError("unimplemented", `${what}: it has no such line`);
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { calls, polls } = this.#libc;
    await polls.leave(this.#fd);
    calls.ioctlValue(this.#fd, TIOCNXCL, 0);
    await calls.close(this.#fd); // on a thread of its own: Linux waits until the port has sent what it was given
  }

  /** What has come, once something has; nothing when the port is being closed from here. */
  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const events = await this.#ready(POLLIN);
      if (events === undefined) return undefined;
      const count = this.#readAll();
      if (count > 0) return this.#buffer.slice(0, count);
      if (events & (POLLERR | POLLHUP | POLLNVAL)) throw this.#gone("it was hung up");
    }
  }

  /** Reads until nothing is left, or the buffer is full; Linux hands over no more than a few KiB at once. */
  #readAll(): number {
    let length = 0;
    while (length < readBytes) {
      const rest = this.#buffer.subarray(length);
      const count = Number(this.#libc.calls.read(this.#fd, rest, BigInt(rest.length)));
      if (count > 0) {
        length += count;
        continue;
      }
      const name = count < 0 ? this.#libc.lastError() : "";
      if (name === "EINTR") continue;
      if (length > 0 || name === "EAGAIN") return length;
      throw this.#gone(name === "" ? "it was hung up" : name);
    }
    return length;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { calls } = this.#libc;
    for (let rest = bytes; rest.length > 0;) {
      if (this.#closed !== undefined) throw this.#closedError();
      const count = Number(calls.write(this.#fd, rest as Uint8Array<ArrayBuffer>, BigInt(rest.length)));
      if (count >= 0) {
        rest = rest.subarray(count);
        continue;
      }
      const name = this.#libc.lastError();
      if (name === "EINTR") continue;
      if (name !== "EAGAIN") throw this.#gone(name);
      const events = await this.#ready(POLLOUT);
      if (events !== undefined && events & (POLLERR | POLLHUP | POLLNVAL)) throw this.#gone("it was hung up");
    }
  }

  /** Waits until the port is ready; answers the events, or nothing when it is being closed. */
  async #ready(events: number): Promise<number | undefined> {
    const come = this.#closed === undefined ? await this.#libc.polls.ready(this.#fd, events) : undefined;
    return this.#closed === undefined ? come : undefined;
  }

  #gone(reason: string): JumpstarterError {
    if (this.#closed !== undefined) return this.#closedError();
    const words = absences.has(reason) ? "the device is gone" : reason;
    return new JumpstarterError("unavailable", `the serial port ${this.#path} broke off: ${words}`);
  }

  #closedError(): JumpstarterError {
    return new JumpstarterError("unavailable", `the serial port ${this.#path} was closed`);
  }
}

/** Opens the file of a device; Linux may take its time over that, and it is told why when it fails. */
async function openDevice(libc: Libc, path: string): Promise<number> {
  const name = new TextEncoder().encode(`${path}\0`);
  const flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const fd = await libc.calls.open(name, flags);
  if (fd >= 0) return fd;
  const again = libc.calls.openHere(name, flags);
  if (again >= 0) return again;
  throw failure(`cannot open ${path}`, libc.lastError());
}

/** Makes a port this program's own and sets it up; answers the speed that it has then. */
function setUp(libc: Libc, path: string, fd: number, settings: LineSettings): number {
  const { calls } = libc;
  const check = (result: number) => {
    if (result < 0) throw failure(`cannot open ${path}`, libc.lastError());
  };
  const termios = new Uint8Array(termios2.size);
  check(calls.ioctl(fd, termios2.get, termios));
  // The lock is for programs that ask for it, and for those that open what they like as root; the other is for the rest.
  check(calls.flock(fd, LOCK_EX | LOCK_NB));
  check(calls.ioctlValue(fd, TIOCEXCL, 0));
  check(calls.ioctl(fd, termios2.set, rawTermios(termios, settings)));
  check(calls.ioctlValue(fd, TCFLSH, TCIFLUSH));
  check(calls.ioctl(fd, termios2.get, termios));
  return speedOf(termios);
}

function failure(what: string, name: string): JumpstarterError {
  const isAway = absences.has(name) || name === "EBUSY" || name === "EAGAIN" || name === "ENOTDIR";
  const hint = name === "EACCES"
    ? "the user that runs the exporter must be in the group that owns the device"
    : undefined;
  return new JumpstarterError(isAway ? "unavailable" : "io", `${what}: ${reasons[name] ?? name}`, { hint });
}
