import { constants } from "node:os";
import { JumpstarterError } from "../../src/errors.ts";
import { PollLoop } from "./poll_loop.ts";

/**
 * What is used of the C library. A call that may wait for the device is `nonblocking`: it runs on a thread of its own,
 * where its `errno` is out of reach. `ioctl` and `open` take a variable number of arguments, which Linux passes as it
 * passes any others.
 */
const symbols = {
  open: { parameters: ["buffer", "i32"], result: "i32", nonblocking: true },
  openHere: { name: "open", parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32", nonblocking: true },
  closeHere: { name: "close", parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // Linux takes 32 bits of a request, whatever the library declares.
  ioctl: { parameters: ["i32", "u32", "buffer"], result: "i32" },
  ioctlValue: { name: "ioctl", parameters: ["i32", "u32", "i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The system calls that a serial port needs. */
export interface Libc extends Disposable {
  /** The functions themselves; what fails answers -1. */
  readonly calls: Deno.StaticForeignLibraryInterface<typeof symbols>;
  /** Waits for descriptors. */
  readonly polls: Pick<PollLoop, "ready" | "leave">;
  /** Why the last call failed that did not run on a thread of its own, as Linux names it: `ENOENT`. */
  lastError(): string;
}

/** Linux's names by their numbers; of two names for one number the first (`EAGAIN`, not `EWOULDBLOCK`). */
const names: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]): [number, string] => [number, name]).reverse(),
);

/** What all ports of this process use together, and how many do. */
let shared: { library: Deno.DynamicLibrary<typeof symbols>; polls: PollLoop; users: number } | undefined;

/**
 * Opens the C library.
 *
 * @throws {JumpstarterError} `config` where serial ports cannot be reached: on another system than Linux, or without
 * `--allow-ffi`.
 */
export function openLibc(): Libc {
  const { os } = Deno.build;
  if (os !== "linux") {
    throw new JumpstarterError("config", `serial ports of ${os} are not supported, those of Linux are`, {
      hint: "another machine may offer the port on its network: url: socket://HOST:PORT",
    });
  }
  // Asking first keeps Deno from asking the user.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    throw new JumpstarterError("config", "a serial port cannot be opened without permission for FFI", {
      hint: "run with --allow-ffi",
    });
  }
  const { library, polls } = shared ??= openShared();
  shared.users++;
  const { __errno_location: location, memcpy } = library.symbols;
  const number = new Int32Array(1);
  const bytes = new Uint8Array(number.buffer);
  return {
    calls: library.symbols,
    polls,
    lastError() {
      memcpy(bytes, location(), BigInt(bytes.length));
      return names.get(number[0] ?? 0) ?? `errno ${number[0]}`;
    },
    [Symbol.dispose]: release,
  };
}

function openShared(): NonNullable<typeof shared> {
  const library = openLibrary();
  const polls = new PollLoop(library.symbols);
  if (polls.isOpen) return { library, polls, users: 0 };
  library.close();
  throw new JumpstarterError("unavailable", "no serial port can be opened: this process has no descriptor left");
}

function release(): void {
  if (shared === undefined || --shared.users > 0) return;
  shared.polls[Symbol.dispose]();
  shared.library.close();
  shared = undefined;
}

function openLibrary(): Deno.DynamicLibrary<typeof symbols> {
  try {
    return Deno.dlopen("libc.so.6", symbols);
  } catch (cause) {
    throw new JumpstarterError("config", "serial ports need the GNU C library, and libc.so.6 cannot be opened", {
      cause,
    });
  }
}
