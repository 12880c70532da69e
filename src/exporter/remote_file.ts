/**
 * Files that the exporter fetches or puts by itself, for a client that has only a URL of them.
 */
import { DriverError } from "../errors.ts";

/** A file behind a URL. */
export interface RemoteRequest {
  readonly url: URL;
  readonly method: "GET" | "PUT";
  readonly headers: Record<string, string>;
}

/**
 * The bytes behind a URL. Credentials in its query never reach a message or a log, and `fetch` does not send the
 * request's own credentials on to another host.
 *
 * @throws {DriverError} `unavailable` when the server does not answer, or not with the file.
 */
export async function openRemoteSource(
  { url, method, headers }: RemoteRequest,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await attempt(url, () => fetch(url, { method, headers, signal }));
  if (!response.ok || response.body === null) throw await refused(url, response);
  // The length is that of the transfer, so it says nothing of a body that was decompressed on the way.
  const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
  return length === null ? response.body : response.body.pipeThrough(ofLength(Number(length), url));
}

/**
 * Where bytes go that are put to a URL; closing it waits for the server's answer.
 *
 * @throws {DriverError} `unavailable` when the server does not take them.
 */
export function openRemoteSink(
  { url, method, headers }: RemoteRequest,
  signal: AbortSignal,
): Promise<WritableStream<Uint8Array>> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const answer = attempt(url, () => fetch(url, { method, headers, signal, body: readable }));
  answer.catch(() => {/* told by the write or the close that waits for it */});
  const writer = writable.getWriter();
  return Promise.resolve(
    new WritableStream<Uint8Array>({
      write: (bytes) => Promise.race([writer.write(bytes), answer.then((response) => ended(url, response))]),
      async close() {
        await writer.close();
        const response = await answer;
        if (!response.ok) throw await refused(url, response);
        await response.body?.cancel();
      },
      abort: (reason) => writer.abort(reason),
    }),
  );
}

async function ended(url: URL, response: Response): Promise<void> {
  if (!response.ok) throw await refused(url, response);
}

async function attempt(url: URL, request: () => Promise<Response>): Promise<Response> {
  try {
    return await request();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new DriverError("unavailable", `Cannot reach ${withoutQuery(url)}`, { cause });
  }
}

async function refused(url: URL, response: Response): Promise<DriverError> {
  await response.body?.cancel();
  return new DriverError("unavailable", `${withoutQuery(url)} answered ${response.status} ${response.statusText}`);
}

/** Signed URLs carry their secret in the query. */
function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function ofLength(expected: number, url: URL): TransformStream<Uint8Array, Uint8Array> {
  let length = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      length += bytes.length;
      controller.enqueue(bytes);
    },
    flush() {
      if (length === expected) return;
      throw new DriverError("io", `${withoutQuery(url)} sent ${length} of ${expected} bytes`);
    },
  });
}
