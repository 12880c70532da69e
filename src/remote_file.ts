/**
 * Files behind URLs: fetched and put by the exporter for a client that has only a URL of them, and by a client that
 * has to unpack or pack them.
 *
 * Permissions: `--allow-net` for the URL's host.
 *
 * @module
 */
import { JumpstarterError } from "./errors.ts";
import { unreachable } from "./fetch_failure.ts";

/** One request for a file behind a URL. */
export interface RemoteRequest {
  readonly url: URL;
  readonly method: "GET" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
}

/** How patient a transfer is. */
export interface RemoteOptions {
  /** Ends it when it fires, at whatever point it is. */
  readonly signal: AbortSignal;
  /** How long the server may say nothing and take nothing, in milliseconds; 120,000 by default. */
  readonly stallTimeoutMs?: number;
}

const stallTimeoutMs = 120_000;

/** A file that is being fetched. */
export interface RemoteSource {
  /** Its bytes. They end only when all of them have come. */
  readonly bytes: ReadableStream<Uint8Array>;
  /** How many there are, where the server has said so. */
  readonly totalBytes?: number;
}

/** The URL that a text is, if files can be fetched from it. */
export function parseFileUrl(text: unknown): URL | undefined {
  return typeof text === "string" && /^https?:\/\//i.test(text) ? URL.parse(text) ?? undefined : undefined;
}

/**
 * Fetches the file behind a URL. Credentials in its query never reach a message or a log, and `fetch` does not send
 * the request's own credentials on to another host.
 *
 * @throws {JumpstarterError} `unavailable` when the server does not answer, or not with the file; `timeout` when it
 * falls silent. The bytes err with `io` where they break off.
 */
export async function openRemoteSource(request: RemoteRequest, options: RemoteOptions): Promise<RemoteSource> {
  const { url, method, headers } = request;
  const stall = new StallLimit(url, options);
  const response = await stall.during(() => attempt(url, () => fetch(url, { method, headers, signal: stall.signal })));
  // Nobody has asked for a part of it.
  if (!response.ok || response.status === 206 || response.body === null) throw await refused(url, response);
  if (!saysItsLength(url, response)) {
    await response.body.cancel();
    throw new JumpstarterError("unavailable", `${withoutQuery(url)} does not say how long the file is`, {
      hint: "part of it could pass for the whole; fetch it by other means, and send it from there",
    });
  }
  const reader = response.body.getReader();
  const bytes = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await stall.during(() => reader.read()).catch((error) => {
        reader.cancel(error).catch(() => {/* it has broken off by itself */});
        throw brokenOff(url, error, options.signal);
      });
      if (value === undefined) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { bytes, totalBytes: lengthOf(response) };
}

/**
 * Where bytes go that are put to a URL; closing it waits for the server's answer.
 *
 * @throws {JumpstarterError} On writing and closing: `unavailable` when the server does not take them, `io` when it
 * says it has without reading them all; `timeout` when it falls silent.
 */
export function openRemoteSink(request: RemoteRequest, options: RemoteOptions): WritableStream<Uint8Array> {
  const { url, method, headers } = request;
  const stall = new StallLimit(url, options);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  // A redirection is no answer to a file: it leads to where one may look, and not to where the bytes went.
  const init: RequestInit = { method, headers, signal: stall.signal, body: readable, redirect: "manual" };
  const answer = attempt(url, () => fetch(url, init))
    .then(async (response) => {
      if (!response.ok) throw await refused(url, response);
      await response.body?.cancel();
    });
  answer.catch(() => {/* told by the write or the close that waits for it */});
  const writer = writable.getWriter();
  writer.closed.catch(() => {/* told by the answer */});
  // A server may answer before it has everything; a body that it took no more of fails, with a bad answer or a good one.
  const notTaken = async () => {
    await answer;
    throw new JumpstarterError("io", `${withoutQuery(url)} answered before it had the whole file`);
  };
  const step = (during: () => Promise<void>) =>
    stall.during(during).catch((error) => {
      writer.abort(error).catch(() => {/* it has failed by itself */});
      throw error;
    });
  return new WritableStream<Uint8Array>({
    write: (bytes) => step(() => writer.write(bytes).catch(notTaken)),
    close: () =>
      step(async () => {
        await writer.close().catch(notTaken);
        await answer;
      }),
    abort: (reason) => writer.abort(reason),
  });
}

/** Ends a transfer whose server falls silent. The time that our own side takes between two steps does not count. */
export class StallLimit {
  /** Fires when the transfer is to end, for whichever reason. */
  readonly signal: AbortSignal;
  readonly #stalled = new AbortController();
  readonly #url: URL;
  readonly #limitMs: number;

  /** Makes the limit of one transfer from or to `url`. */
  constructor(url: URL, { signal, stallTimeoutMs: limitMs = stallTimeoutMs }: RemoteOptions) {
    this.#url = url;
    this.#limitMs = limitMs;
    this.signal = AbortSignal.any([signal, this.#stalled.signal]);
  }

  /**
   * Does one step that waits for the server. It ends with the transfer even where `fetch` does not: Deno's forgets the
   * signal of a request, once its answer has begun, at the next garbage collection.
   */
  async during<T>(step: () => Promise<T>): Promise<T> {
    const { signal } = this;
    signal.throwIfAborted();
    const timer = setTimeout(() => {
      const message = `${withoutQuery(this.#url)} has been silent for ${this.#limitMs / 1_000} s`;
      this.#stalled.abort(new JumpstarterError("timeout", message));
    }, this.#limitMs);
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = () => reject(signal.reason);
    signal.addEventListener("abort", end);
    try {
      return await Promise.race([step(), ended]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }
}

async function attempt(url: URL, request: () => Promise<Response>): Promise<Response> {
  try {
    return await request();
  } catch (cause) {
    if (cause instanceof JumpstarterError || isAbort(cause)) throw cause;
    throw unreachable(withoutQuery(url), cause);
  }
}

async function refused(url: URL, response: Response): Promise<JumpstarterError> {
  await response.body?.cancel();
  const status = `${response.status} ${response.statusText}`.trim();
  return new JumpstarterError("unavailable", `${withoutQuery(url)} answered ${status}`);
}

function brokenOff(url: URL, cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (cause instanceof JumpstarterError) return cause;
  return new JumpstarterError("io", `the transfer from ${withoutQuery(url)} broke off before its end`, { cause });
}

/**
 * Whether the end of the body can be told from the end of the connection. HTTP/2 always can; HTTP/1 only where it
 * announces a length or chunks, and its servers say "Connection: close" where they do neither.
 */
export function saysItsLength({ protocol }: URL, { headers }: { readonly headers: Headers }): boolean {
  if (headers.has("content-length") || headers.has("transfer-encoding")) return true;
  return protocol === "https:" && !headers.has("connection");
}

/** The length is that of the transfer, so it says nothing of a body that was decompressed on the way. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** A URL as it may be shown: signed ones carry their secret in the query. */
export function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
