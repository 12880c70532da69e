import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import type { ByteStream } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { connectionError, formatTarget } from "../../src/socket_stream.ts";

/** How many datagrams may wait for the reader. More than these are lost, as they are anywhere on their way. */
const maxWaiting = 256;

/**
 * How long a stream whose writer is done waits for one more datagram, in milliseconds. UDP has no end of its own, so
 * without a limit a client that has closed its side would leave a socket behind for ever.
 */
const quietMs = 30_000;

/** What {@linkcode openUdp} needs to know. */
export interface UdpTarget {
  /** The device's name or address. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
  /** Fires when the stream is to end. */
  readonly signal: AbortSignal;
  /** Told once when datagrams begin to be lost since nobody reads them. */
  readonly onLoss: () => void;
}

/** Datagrams to and from one address: each chunk of the stream is one datagram, either way. */
export async function openUdp(target: UdpTarget): Promise<ByteStream> {
  const { host, port, signal } = target;
  const peer = formatTarget(target);
  const { address, family } = await lookup(host).catch((error) => {
    throw connectionError(`cannot reach ${peer}`, error);
  });
  signal.throwIfAborted();
  const any = family === 6 ? "::" : "0.0.0.0";
  await assertMayBind(family === 6 ? `[${any}]:0` : `${any}:0`);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  const broken = (cause: unknown) => connectionError(`the datagrams to ${peer} broke off`, cause);
  const inbox = new Inbox(socket, { address, port }, target.onLoss, broken);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, any, () => {
        socket.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    inbox.close();
    throw connectionError(`cannot reach ${peer}`, error);
  }
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      controller.signal.addEventListener("abort", () => inbox.close());
    },
    // One at a time: datagrams that are sent at once may overtake each other before they leave this machine.
    write: (datagram) =>
      new Promise((resolve, reject) =>
        socket.send(datagram, port, address, (error) => error ? reject(sendError(datagram, error, broken)) : resolve())
      ),
    close: () => inbox.closeWhenQuiet(),
  });
  return { readable: inbox.readable, writable };
}

/** Deno tells of a socket that it does not allow nowhere where it could be caught. */
async function assertMayBind(host: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "net", host });
  if (state !== "granted") throw new Deno.errors.NotCapable(`Requires net access to "${host}", run again with it`);
}

function sendError(
  { length }: Uint8Array,
  error: Error & { code?: string },
  broken: (cause: unknown) => JumpstarterError,
): JumpstarterError {
  if (error.code !== "EMSGSIZE") return broken(error);
  return new JumpstarterError("invalid_argument", `a datagram of ${length} bytes is too large to be sent`, {
    cause: error,
  });
}

/** An IPv6 address can be written in many ways. */
function isSameAddress(one: string, other: string): boolean {
  const canonical = (address: string) => URL.parse(`http://[${address}]`)?.hostname ?? address;
  return one === other || canonical(one) === canonical(other);
}

/** The datagrams that have come, in their order. */
class Inbox {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #socket: Socket;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #quietTimer: ReturnType<typeof setTimeout> | undefined;
  #isWriterDone = false;
  #hasLost = false;

  constructor(
    socket: Socket,
    from: { address: string; port: number },
    onLoss: () => void,
    broken: (cause: unknown) => JumpstarterError,
  ) {
    this.#socket = socket;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => this.close(),
    }, { highWaterMark: maxWaiting });
    socket.on("message", (datagram: Uint8Array, { address, port }) => {
      // Whoever else knows this port is not the device.
      if (!isSameAddress(address, from.address) || port !== from.port || this.#controller === undefined) return;
      if (this.#isWriterDone) this.closeWhenQuiet();
      if ((this.#controller.desiredSize ?? 0) > 0) return this.#controller.enqueue(datagram);
      if (!this.#hasLost) onLoss();
      this.#hasLost = true;
    });
    socket.on("error", (error) => {
      this.#controller?.error(broken(error));
      this.#controller = undefined;
      this.close();
    });
  }

  /** Closes once nothing has come for a while. */
  closeWhenQuiet(): void {
    this.#isWriterDone = true;
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.close(), quietMs);
  }

  /** Ends the stream and gives the port back. */
  close(): void {
    clearTimeout(this.#quietTimer);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    try {
      this.#controller?.close();
    } catch {
      // It was cancelled, and that is why this runs.
    }
    this.#controller = undefined;
  }

  #isClosed = false;
}
