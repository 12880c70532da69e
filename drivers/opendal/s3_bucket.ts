/**
 * A bucket of an object store that speaks Amazon's S3, by signed requests. The secret key signs, and is never sent,
 * shown or told.
 */
import { AwsV4Signer } from "aws4fetch";
import { JumpstarterError } from "../../src/errors.ts";
import { pause } from "../../src/pause.ts";
import { withoutQuery } from "../../src/remote_file.ts";
import { exchange, type HttpAnswer } from "./http_exchange.ts";
import { encodeName } from "./http_storage.ts";
import type { PresignMethod } from "./storage.ts";
import type { PresignedRequest } from "./wire.ts";
import { xmlTexts } from "./xml_texts.ts";

/** Where the objects are, and how the store is to know the exporter. */
export interface S3Settings {
  readonly bucket: string;
  /** The store's URL; Amazon's own of the region by default. */
  readonly endpoint?: string;
  readonly region: string;
  /** Who signs. Without the two the requests are not signed. */
  readonly access_key_id?: string;
  readonly secret_access_key?: string;
  readonly session_token?: string;
  /** The bucket is named by the host, and not by the path. */
  readonly isVirtualHost?: boolean;
  /** Go with every request. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** Go with every request that makes an object, and say how the store is to keep it. */
  readonly objectHeaders?: Readonly<Record<string, string>>;
}

/** One request. */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The object's key; none for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What the store has said of itself when it refused. */
export interface S3Refusal {
  readonly status: number;
  /** The store's own word, such as `NoSuchKey`; none in the answer to a HEAD. */
  readonly code: string | undefined;
}

/** How long to wait before a request is sent again, in milliseconds, each time. */
const RETRY_PAUSES_MS = [200, 1_000];

/** A bucket. Needs the net access of its host. */
export class S3Bucket {
  readonly #settings: S3Settings;
  readonly #base: string;
  /** The keys that are made of the secret one, each for a day. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  /** Makes the bucket; nothing is asked of the store yet. */
  constructor(settings: S3Settings) {
    this.#settings = settings;
    this.#base = bucketUrl(settings).href.replace(/\/+$/, "");
  }

  /**
   * Sends a request, once more where the store is busy or out of reach and doing it twice does no harm.
   *
   * @throws {JumpstarterError} `unavailable` when the store does not answer, `timeout` when it takes too long.
   */
  async send(request: S3Request, signal: AbortSignal): Promise<HttpAnswer> {
    for (const pauseMs of request.method === "POST" ? [] : RETRY_PAUSES_MS) {
      const answer = await this.#send(request, signal).catch((error) => {
        if (signal.aborted || !(error instanceof JumpstarterError) || error.code !== "unavailable") throw error;
      });
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) return answer;
      await answer?.discard();
      await pause(pauseMs, signal);
      signal.throwIfAborted();
    }
    return await this.#send(request, signal);
  }

  /**
   * Sends a request that has to succeed.
   *
   * @throws {JumpstarterError} What `explain` makes of a refusal, else what it means by itself.
   */
  async ask(
    request: S3Request,
    signal: AbortSignal,
    explain: (refusal: S3Refusal) => JumpstarterError | undefined = () => undefined,
  ): Promise<HttpAnswer> {
    const answer = await this.send(request, signal);
    if (answer.isOk) return answer;
    const text = await answer.text();
    const refusal = { status: answer.status, code: xmlTexts(text, "Code")[0] };
    throw explain(refusal) ?? this.#refused(request, answer, refusal.code);
  }

  /**
   * Sends a request whose answer is a document. A store may begin a good answer, and end it with an error.
   */
  async askDocument(
    request: S3Request,
    signal: AbortSignal,
    explain?: Parameters<S3Bucket["ask"]>[2],
  ): Promise<string> {
    const text = await (await this.ask(request, signal, explain)).text();
    if (!/<Error[\s>]/.test(text)) return text;
    const code = xmlTexts(text, "Code")[0] ?? "an error";
    throw new JumpstarterError("io", `${withoutQuery(this.#url(request))} ended with ${code}`);
  }

  /** What the store says of an object; nothing where there is none. */
  async find(key: string, signal: AbortSignal): Promise<Headers | undefined> {
    const request = { method: "HEAD", key } as const;
    const answer = await this.send(request, signal);
    await answer.discard();
    if (answer.isOk) return answer.headers;
    if (answer.status === 404) return undefined;
    throw this.#refused(request, answer, undefined);
  }

  /** How an object is named in a request that copies it. */
  copySource(key: string): string {
    return [this.#settings.bucket, ...key.split("/")].map((name) => `/${encodeName(name)}`).join("");
  }

  /** Signs a request for whoever is to make it. */
  async presign(method: PresignMethod, key: string, expireSeconds: number): Promise<PresignedRequest> {
    const url = this.#url({ key, query: { "X-Amz-Expires": String(expireSeconds) } });
    const headers = this.#headersFor({ method });
    const signed = await this.#signer({ method, url: url.href, headers, signQuery: true })?.sign();
    return { url: signed?.url.href ?? this.#url({ key }).href, method, headers };
  }

  async #send(request: S3Request, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, body } = request;
    const url = this.#url(request);
    const headers = {
      ...this.#headersFor(request),
      ...request.headers,
      "x-amz-content-sha256": await sha256(body ?? new Uint8Array()),
    };
    const signed = await this.#signer({ method, url: url.href, headers })?.sign();
    // Objects are to come as they are stored, and not as a server packs them for the way.
    const sent = { ...(signed ? Object.fromEntries(signed.headers) : headers), "accept-encoding": "identity" };
    return await exchange({ url, method, headers: sent, body, redirect: "manual" }, { signal });
  }

  /** An upload in parts makes its object by the request that begins it. */
  #headersFor({ method, query = {} }: Pick<S3Request, "method" | "query">): Record<string, string> {
    const { requestHeaders, objectHeaders } = this.#settings;
    const makesObject = (method === "PUT" && query.partNumber === undefined) || query.uploads !== undefined;
    return { ...requestHeaders, ...(makesObject ? objectHeaders : {}) };
  }

  #signer(request: { method: string; url: string; headers?: Record<string, string>; signQuery?: boolean }) {
    const { region, access_key_id, secret_access_key, session_token } = this.#settings;
    if (access_key_id === undefined || secret_access_key === undefined) return undefined;
    return new AwsV4Signer({
      ...request,
      service: "s3",
      region,
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key,
      sessionToken: session_token,
      cache: this.#signingKeys,
    });
  }

  #url({ key, query = {} }: Pick<S3Request, "key" | "query">): URL {
    const names = key?.split("/") ?? [];
    if (names.includes(".") || names.includes("..")) {
      throw new JumpstarterError("io", `the object "${key}" is out of reach: its name leads elsewhere in a URL`);
    }
    const path = names.map(encodeName).join("/");
    const url = new URL(`${this.#base}/${path}`);
    // The form that is signed; a URL by itself would leave some signs as they are.
    url.search = Object.entries(query).map(([name, value]) => `${name}=${encodeName(value)}`).join("&");
    return url;
  }

  #refused(request: S3Request, { status, headers }: HttpAnswer, code: string | undefined): JumpstarterError {
    const where = withoutQuery(this.#url(request));
    if (code === "NoSuchBucket") {
      return new JumpstarterError(
        "io",
        `there is no bucket "${this.#settings.bucket}" at ${new URL(this.#base).origin}`,
      );
    }
    const region = headers.get("x-amz-bucket-region");
    if (region !== null && region !== this.#settings.region) {
      const hint = `set "region" to "${region}"`;
      return new JumpstarterError("io", `${where} is in another region than "${this.#settings.region}"`, { hint });
    }
    const said = code === undefined ? String(status) : `${status}, ${code}`;
    if (status === 401 || status === 403) return new JumpstarterError("io", `${where} refuses the exporter (${said})`);
    return new JumpstarterError(status >= 500 || status === 429 ? "unavailable" : "io", `${where} answered ${said}`);
  }
}

/** Where a bucket is. */
export function bucketUrl(
  { bucket, endpoint, region, isVirtualHost = false }: Omit<S3Settings, "region"> & { readonly region?: string },
): URL {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (isVirtualHost) url.hostname = `${bucket}.${url.hostname}`;
  else url.pathname = `${url.pathname.replace(/\/+$/, "")}/${encodeName(bucket)}`;
  return url;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).toHex();
}
