import { createHash } from "node:crypto";
import type { ByteStream } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";
import { openSocket, type SocketStream } from "../../src/socket_stream.ts";
import { ByteReader, decodeFrames, encodeFrame, opcodes, violation, type WebsocketFrame } from "./websocket_frames.ts";

/** What RFC 6455 has a server mix into the key to show that it means WebSocket. */
const keyGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** The longest answer to the handshake that is read. */
const maxHeadBytes = 16 * 1024;
/** How long a server may take until the handshake is done, that of TLS included, in milliseconds. */
const openMs = 10_000;
/** How long the farewell may take before the connection is cut, in milliseconds. */
const farewellMs = 1_000;
/** The codes by which a server says that all is well: done, going away, and none at all. */
const goodCodes: readonly number[] = [1000, 1001, 1005];

/**
 * Connects to a WebSocket server. Each chunk that is written is one binary message; of what comes, text and binary
 * are taken alike. WebSocket has no half close, so closing the writing side sends nothing, and what the server says
 * after that still comes.
 *
 * This is a client of its own since the platform's `WebSocket` cannot make a server wait for a slow reader.
 *
 * @param limitMs How long it may take, in milliseconds; 10,000 by default.
 */
export async function openWebsocket(address: string, signal: AbortSignal, limitMs = openMs): Promise<ByteStream> {
  const url = new URL(address);
  const patience = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  try {
    const tls = url.protocol === "wss:";
    const connection = new Connection(await openSocket(websocketTarget(address), { signal: patience, tls }));
    await connection.shakeHands(url, patience);
    return { readable: connection.readable(), writable: connection.writable() };
  } catch (error) {
    throw patience.aborted ? gaveUp(url, patience.reason) : error;
  }
}

/** The host and port that a `ws://` or `wss://` URL leads to. */
export function websocketTarget(address: string): { host: string; port: number } {
  const { protocol, hostname, port } = new URL(address);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || (protocol === "wss:" ? 443 : 80) };
}

/** One connection to a server. */
class Connection {
  readonly #bytes: ByteReader;
  readonly #sender: WritableStreamDefaultWriter<Uint8Array>;
  #isOver = false;

  constructor({ readable, writable }: SocketStream) {
    this.#bytes = new ByteReader(readable);
    this.#sender = writable.getWriter();
    // A failure to send is told to whoever sends.
    this.#sender.closed.catch(() => {});
  }

  /** Asks the server to speak WebSocket, and checks that it does. */
  async shakeHands(url: URL, signal: AbortSignal): Promise<void> {
    const cut = () => this.cut(signal.reason);
    signal.addEventListener("abort", cut, { once: true });
    try {
      const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
      await this.#sender.write(new TextEncoder().encode(handshake(url, key)));
      checkAnswer(await this.#bytes.readHead(maxHeadBytes), key, url);
    } catch (error) {
      await this.cut(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }

  /** What the server says, one chunk a message. */
  readable(): ReadableStream<Uint8Array> {
    const messages = this.#messages();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const next = await messages.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: (reason) => this.#sayGoodbye(reason),
    }, { highWaterMark: 0 });
  }

  /** What goes to the server. */
  writable(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      start: (controller) => {
        controller.signal.addEventListener("abort", () => this.#sayGoodbye(controller.signal.reason));
      },
      write: (message) => this.#send(opcodes.binary, message),
    });
  }

  /** Ends it at once. */
  async cut(reason: unknown): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled([this.#bytes.cancel(reason), this.#sender.abort(reason)]);
  }

  async *#messages(): AsyncGenerator<Uint8Array> {
    try {
      for await (const { opcode, payload } of decodeFrames(this.#bytes)) {
        if (opcode === opcodes.close) return this.#checkClose(payload);
        if (opcode === opcodes.ping) await this.#send(opcodes.pong, payload);
        else if (isData({ opcode, payload })) yield payload;
      }
      if (!this.#isOver) throw violation("it ends without a word");
    } finally {
      await this.#sayGoodbye(undefined);
    }
  }

  #checkClose(payload: Uint8Array): void {
    const code = payload.length < 2 ? 1005 : ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
    if (goodCodes.includes(code)) return;
    const reason = new TextDecoder().decode(payload.subarray(2));
    const words = reason === "" ? "" : `: ${reason}`;
    throw new JumpstarterError("unavailable", `the WebSocket server closed the connection with code ${code}${words}`);
  }

  async #send(opcode: number, payload: Uint8Array): Promise<void> {
    await this.#sender.write(encodeFrame(opcode, payload));
  }

  /** Says that this side closes, if the server still listens, and closes. */
  async #sayGoodbye(reason: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const normally = new Uint8Array([1000 >> 8, 1000 & 0xff]);
    const said = this.#send(opcodes.close, normally).then(() => this.#sender.close())
      .catch(() => {/* it does not listen any more */});
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, farewellMs);
    await Promise.race([said, late]);
    clearTimeout(timer);
    await this.cut(reason);
  }
}

const isData = ({ opcode, payload }: WebsocketFrame) => opcode <= opcodes.binary && payload.length > 0;

function handshake(url: URL, key: string): string {
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    ...(credentials === ":" ? [] : [`Authorization: Basic ${new TextEncoder().encode(credentials).toBase64()}`]),
    "\r\n",
  ].join("\r\n");
}

function checkAnswer(head: string, key: string, url: URL): void {
  const [statusLine = "", ...lines] = head.split("\r\n");
  const [, status = ""] = statusLine.split(" ");
  if (status !== "101") {
    const answer = statusLine.slice(0, 100);
    throw new JumpstarterError("unavailable", `${url.host} does not take WebSocket connections: "${answer}"`);
  }
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const expected = createHash("sha1").update(key + keyGuid).digest("base64");
  if (headers.get("sec-websocket-accept") !== expected) throw violation("it answers another handshake than ours");
}

function gaveUp(url: URL, reason: unknown): unknown {
  if (!(reason instanceof DOMException && reason.name === "TimeoutError")) return reason;
  return new JumpstarterError("timeout", `${url.host} does not answer the WebSocket handshake`, { cause: reason });
}
