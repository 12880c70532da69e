/**
 * One request to a web server, and its answer. Nothing here waits for ever: a server that is silent for too long is
 * given up, at whatever point it is.
 */
import { JumpstarterError } from "../../src/errors.ts";
import { shortReason, unreachable } from "../../src/fetch_failure.ts";
import { saysItsLength, StallLimit, withoutQuery } from "../../src/remote_file.ts";

/** What is asked of a server. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** What a redirection does: it is followed by default, or is an answer like any other. */
  readonly redirect?: "follow" | "manual";
}

/** How patient an exchange is. */
export interface ExchangeOptions {
  /** Ends it when it fires. */
  readonly signal: AbortSignal;
  /**
   * How long the server may be silent, in milliseconds; 60,000 by default. What the request's body takes on a slow link
   * is added to it: one second for 16 KiB.
   */
  readonly stallTimeoutMs?: number;
}

const STALL_TIMEOUT_MS = 60_000;
/** The slowest link that a body is given time for; nothing is heard while it goes. */
const SLOWEST_BYTES_PER_MS = 16.384;

/** What a server has answered. Its body is to be read to its end, or discarded. */
export class HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly #url: URL;
  readonly #body: ReadableStream<Uint8Array> | null;
  readonly #stall: StallLimit;

  constructor(url: URL, { status, headers, body }: Response, stall: StallLimit) {
    this.status = status;
    this.headers = headers;
    this.#url = url;
    this.#body = body;
    this.#stall = stall;
  }

  /** Whether the server has done what it was asked for. */
  get isOk(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** How many bytes the body has, where the server says so. */
  get contentLength(): number | undefined {
    return parseCount(this.headers.get("content-length"));
  }

  /** Whether the end of the body can be told from the end of the connection. */
  get saysItsLength(): boolean {
    return saysItsLength(this.#url, this);
  }

  /** The body's bytes as they come. */
  async *bytes(): AsyncIterable<Uint8Array> {
    if (this.#body === null) return;
    const reader = this.#body.getReader();
    try {
      for (;;) {
        const { done, value } = await this.#stall.during(() => reader.read());
        if (done) return;
        yield value;
      }
    } catch (cause) {
      if (this.#stall.signal.aborted) throw this.#stall.signal.reason;
      const reason = shortReason(cause);
      const message = `${withoutQuery(this.#url)} broke off in the midst of its answer${reason && `: ${reason}`}`;
      throw new JumpstarterError("unavailable", message, { cause });
    } finally {
      await reader.cancel().catch(() => {/* it has ended or failed by itself */});
    }
  }

  /** The whole body as text. */
  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of this.bytes()) text += decoder.decode(bytes, { stream: true });
    return text + decoder.decode();
  }

  /** Lets go of the body. */
  async discard(): Promise<void> {
    await this.#body?.cancel().catch(() => {/* it has failed by itself */});
  }
}

/**
 * Sends a request, and waits until the answer begins.
 *
 * @throws {JumpstarterError} `unavailable` when the server does not answer, `timeout` when it takes too long.
 */
export async function exchange(request: HttpRequest, options: ExchangeOptions): Promise<HttpAnswer> {
  const { url, method, headers, body, redirect } = request;
  const { signal, stallTimeoutMs = STALL_TIMEOUT_MS } = options;
  const sendingMs = Math.ceil((body?.length ?? 0) / SLOWEST_BYTES_PER_MS);
  const stall = new StallLimit(url, { signal, stallTimeoutMs: stallTimeoutMs + sendingMs });
  const init = { method, headers, body: body as Uint8Array<ArrayBuffer> | undefined, redirect, signal: stall.signal };
  try {
    return new HttpAnswer(url, await stall.during(() => fetch(url, init)), stall);
  } catch (cause) {
    throw stall.signal.aborted ? stall.signal.reason : unreachable(withoutQuery(url), cause);
  }
}

/** A number of bytes that a server has told; nothing where it has told none. */
export function parseCount(text: string | null | undefined): number | undefined {
  return text && /^\d+$/.test(text) ? Number(text) : undefined;
}
