/**
 * What is used of the C library: datagrams to a Unix socket, which Deno has only with `--unstable-net`, and the clock
 * that systemd compares with.
 */
const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const AF_UNIX = 1, SOCK_DGRAM_CLOEXEC = 0o2000002, MSG_DONTWAIT_NOSIGNAL = 0x4040, CLOCK_MONOTONIC = 1;

/** Bytes of an address before its path, and the longest path. */
const familyBytes = 2, longestPath = 107;

/** Sends datagrams to one Unix socket. */
export interface DatagramSender extends Disposable {
  /** Sends one; says whether the other end, or its queue, has taken it. */
  send(text: string): boolean;
  /** The time since the machine has started, in microseconds. */
  monotonicUsec(): bigint;
}

/**
 * Opens a sender to the socket at `path`; one that begins with `@` has no file (Linux's abstract sockets).
 *
 * @throws When this is not Linux with its usual C library, FFI is not allowed, or the path is too long.
 */
export function openDatagramSender(path: string): DatagramSender {
  if (Deno.build.os !== "linux") throw new Error(`${Deno.build.os} has no systemd`);
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") throw new Error("it needs --allow-ffi");
  const address = unixAddress(path);
  const library = Deno.dlopen("libc.so.6", symbols);
  const { socket, sendto, close, clock_gettime } = library.symbols;
  const descriptor = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  return {
    send(text) {
      const bytes = new TextEncoder().encode(text);
      const size = BigInt(bytes.length);
      return sendto(descriptor, bytes, size, MSG_DONTWAIT_NOSIGNAL, address, address.length) === size;
    },
    monotonicUsec() {
      const time = new BigInt64Array(2); // seconds, nanoseconds
      clock_gettime(CLOCK_MONOTONIC, new Uint8Array(time.buffer));
      const [seconds = 0n, nanoseconds = 0n] = time;
      return seconds * 1_000_000n + nanoseconds / 1_000n;
    },
    [Symbol.dispose]() {
      close(descriptor);
      library.close();
    },
  };
}

/** The address as the system takes it: the family in the machine's own byte order, and the path. */
function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length > longestPath) throw new Error("the path of its socket is too long");
  const isAbstract = path.startsWith("@");
  // An abstract name ends where the address does, a path with NUL.
  const address = new Uint8Array(familyBytes + bytes.length + (isAbstract ? 0 : 1));
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(bytes, familyBytes);
  if (isAbstract) address[familyBytes] = 0;
  return address;
}
