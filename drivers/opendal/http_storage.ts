/**
 * Files behind a web server, to be read.
 */
import { JumpstarterError } from "../../src/errors.ts";
import { withoutQuery } from "../../src/remote_file.ts";
import { exchange, type HttpAnswer, parseCount } from "./http_exchange.ts";
import { assertNamesFile, type FileStat, nothingAt, type PresignMethod, type Reader, type Storage } from "./storage.ts";
import { formatPath, type StoragePath } from "./storage_path.ts";
import type { PresignedRequest } from "./wire.ts";

/** Where the files are, and how the server is to know the exporter. */
export interface HttpSettings {
  /** The server's URL; a path in it counts. */
  readonly endpoint: string;
  /** A directory of the server that paths start from. */
  readonly root?: string;
  readonly username?: string;
  readonly password?: string;
  /** Goes along as a bearer token. */
  readonly token?: string;
}

/**
 * The same settings with the user of the URL, if any, where nothing else says who the exporter is: the URL is shown to
 * clients.
 *
 * @throws {URIError} for a user that is not encoded as URLs have it.
 */
export function withUserOfUrl(settings: HttpSettings): HttpSettings {
  const url = new URL(settings.endpoint);
  const [username, password] = [url.username, url.password].map(decodeURIComponent);
  if (!username && !password) return settings;
  url.username = url.password = "";
  const isKnown = settings.username !== undefined || settings.token !== undefined;
  return { ...settings, endpoint: url.href, ...(isKnown ? {} : { username, password }) };
}

/** A web server's files. Needs the net access of its host. */
export class HttpStorage implements Storage {
  readonly isShared = true;
  readonly presigned: readonly PresignMethod[];
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** Makes the storage; nothing is asked of the server yet. */
  constructor(settings: HttpSettings) {
    const { endpoint, root = "" } = settings;
    const trimmed = (text: string) => text.replace(/^\/+|\/+$/g, "");
    const directory = trimmed(root).split("/").filter((name) => name !== "").map(encodeName);
    this.#base = [endpoint.replace(/\/+$/, ""), ...directory].join("/");
    const authorization = authorizationOf(settings);
    // The bytes as they are stored, and not as a server packs them for the way.
    this.#headers = { "accept-encoding": "identity", ...authorization };
    // A request that others may make must not hold the exporter's own credentials.
    this.presigned = authorization === undefined ? ["HEAD", "GET"] : [];
  }

  async stat(path: StoragePath, signal: AbortSignal): Promise<FileStat> {
    if (path.names.length === 0) return { kind: "directory", size: 0 };
    const { headers, size } = await this.#describe(path, signal);
    if (path.isDirectory) return { kind: "directory", size: 0 };
    if (size === undefined) throw this.#noLength(path);
    const header = (name: string) => headers.get(name) ?? undefined;
    return {
      kind: "file",
      size,
      contentType: header("content-type"),
      contentDisposition: header("content-disposition"),
      contentMd5: header("content-md5"),
      etag: header("etag"),
    };
  }

  async openReader(path: StoragePath, signal: AbortSignal): Promise<Reader> {
    assertNamesFile(path);
    const { headers, size } = await this.#describe(path, signal);
    const etag = headers.get("etag");
    // Only a strong tag stands for the very same bytes.
    const condition = etag !== null && !etag.startsWith("W/") ? { "if-match": etag } : undefined;
    return {
      size,
      read: (offset, signal) => this.#read(path, offset, size, condition, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  presign(method: PresignMethod, path: StoragePath): PresignedRequest {
    return { url: this.#url(path).href, method, headers: {} };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async *#read(
    path: StoragePath,
    offset: number,
    size: number | undefined,
    condition: Readonly<Record<string, string>> | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    if (size !== undefined && offset >= size) return;
    const range = offset > 0 ? { range: `bytes=${offset}-` } : undefined;
    const answer = await this.#ask("GET", path, { ...condition, ...range }, signal);
    if (size === undefined && !answer.saysItsLength) {
      await answer.discard();
      throw this.#noLength(path);
    }
    if (answer.status === 206 && offset === 0) {
      await answer.discard();
      const where = withoutQuery(this.#url(path));
      throw new JumpstarterError("io", `${where} has sent a part of the file, and was asked for the whole of it`);
    }
    // A server may send the whole of a file of which a part was asked for.
    let toSkip = answer.status === 206 ? 0 : offset;
    let position = offset;
    for await (const bytes of answer.bytes()) {
      const wanted = bytes.subarray(Math.min(toSkip, bytes.length));
      toSkip -= bytes.length - wanted.length;
      position += wanted.length;
      if (wanted.length > 0) yield wanted;
    }
    if (size !== undefined && position !== size) {
      throw new JumpstarterError("io", `${withoutQuery(this.#url(path))} has sent ${position} of ${size} bytes`);
    }
  }

  /** What the server says of a file. Where it does not answer HEAD, a first byte is asked for. */
  async #describe(path: StoragePath, signal: AbortSignal): Promise<{ headers: Headers; size?: number }> {
    const head = await this.#exchange("HEAD", path, {}, signal);
    if (head.status !== 405 && head.status !== 501) {
      this.#assertOk(path, head);
      return { headers: head.headers, size: head.contentLength };
    }
    const answer = await this.#ask("GET", path, { range: "bytes=0-0" }, signal);
    await answer.discard();
    const [, total] = /^bytes [\d-]+\/(\d+)$/.exec(answer.headers.get("content-range") ?? "") ?? [];
    return { headers: answer.headers, size: answer.status === 206 ? parseCount(total) : answer.contentLength };
  }

  async #ask(
    method: string,
    path: StoragePath,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const answer = await this.#exchange(method, path, headers, signal);
    if (!answer.isOk) await answer.discard();
    this.#assertOk(path, answer);
    return answer;
  }

  #exchange(
    method: string,
    path: StoragePath,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    return exchange({ url: this.#url(path), method, headers: { ...this.#headers, ...headers } }, { signal });
  }

  #url(path: StoragePath): URL {
    const names = path.names.map(encodeName).join("/");
    return new URL(`${this.#base}/${names}${path.isDirectory && names !== "" ? "/" : ""}`);
  }

  #noLength(path: StoragePath): JumpstarterError {
    return new JumpstarterError("io", `${withoutQuery(this.#url(path))} does not say how long it is`);
  }

  #assertOk(path: StoragePath, { isOk, status }: HttpAnswer): void {
    if (isOk) return;
    if (status === 404 || status === 410) throw nothingAt(path);
    const where = withoutQuery(this.#url(path));
    switch (status) {
      case 401:
      case 403:
        throw new JumpstarterError("io", `${where} refuses the exporter (${status})`);
      case 412:
        throw new JumpstarterError("io", `"${formatPath(path)}" was changed while it was being read`);
    }
    throw new JumpstarterError(status >= 500 ? "unavailable" : "io", `${where} answered ${status}`);
  }
}

function authorizationOf({ username, password = "", token }: HttpSettings): Record<string, string> | undefined {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (username === undefined) return undefined;
  return { authorization: `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}` };
}

/** A name as a part of a URL; nothing in it means anything there. */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
