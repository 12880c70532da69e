import { JumpstarterError } from "../../src/errors.ts";
import { reasonOf } from "../../src/private_files.ts";
import type { S3Bucket } from "./s3_bucket.ts";
import type { Writer } from "./storage.ts";
import { xmlEncode, xmlTexts } from "./xml_texts.ts";

/** The size of a part, and so of a file that is sent in one piece. A store takes none below 5 MiB but the last. */
const PART_BYTES = 8 * 1024 * 1024;
/** After half of the parts that a store takes they grow, so that a file may have up to 360 GiB. */
const LARGE_PART_BYTES = 64 * 1024 * 1024;
const SMALL_PARTS = 5_000;

/** How long giving up an upload may take. */
const ABORT_LIMIT_MS = 20_000;

/**
 * An object that is being written: in one request where it is small, in parts otherwise. It is there once the last
 * request has succeeded.
 */
export class S3Writer implements Writer {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #warn: (message: string) => void;
  /** Ends requests that are on their way when the file is given up. */
  readonly #end = new AbortController();
  /** What waits to be a part. */
  #pending: Uint8Array<ArrayBuffer> = new Uint8Array(PART_BYTES);
  #pendingBytes = 0;
  #uploadId: string | undefined;
  readonly #etags: string[] = [];
  #isDone = false;

  /**
   * Begins an object; nothing is asked of the store yet.
   *
   * @param warn Told when the store keeps parts of an object that is given up.
   */
  constructor(bucket: S3Bucket, key: string, warn: (message: string) => void) {
    this.#bucket = bucket;
    this.#key = key;
    this.#warn = warn;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let taken = 0; taken < bytes.length;) {
      if (this.#pendingBytes === this.#pending.length) await this.#sendPart();
      const piece = bytes.subarray(taken, taken + this.#pending.length - this.#pendingBytes);
      this.#pending.set(piece, this.#pendingBytes);
      this.#pendingBytes += piece.length;
      taken += piece.length;
    }
  }

  async commit(): Promise<void> {
    if (this.#uploadId === undefined) {
      await this.#ask({ method: "PUT", body: this.#pending.subarray(0, this.#pendingBytes) });
    } else {
      await this.#sendPart();
      const parts = this.#etags.map((etag, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${xmlEncode(etag)}</ETag></Part>`
      );
      const document = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
      const body = new TextEncoder().encode(document);
      const query = { uploadId: this.#uploadId };
      const request = { method: "POST", key: this.#key, query, headers: { "content-type": "text/xml" }, body } as const;
      await this.#bucket.askDocument(request, this.#end.signal);
    }
    this.#isDone = true;
  }

  cut(): void {
    this.#end.abort(new JumpstarterError("cancelled", "the file was given up"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const uploadId = this.#uploadId;
    if (this.#isDone || uploadId === undefined) return;
    // Parts that nobody ever makes a file of would be kept, and paid for.
    const request = { method: "DELETE", key: this.#key, query: { uploadId } } as const;
    let fault: string | undefined;
    try {
      const answer = await this.#bucket.send(request, AbortSignal.timeout(ABORT_LIMIT_MS));
      await answer.discard();
      if (!answer.isOk && answer.status !== 404) fault = `it answered ${answer.status}`;
    } catch (error) {
      fault = reasonOf(error);
    }
    if (fault !== undefined) this.#warn(`cannot remove the parts that the bucket keeps of "${this.#key}": ${fault}`);
  }

  async #sendPart(): Promise<void> {
    this.#uploadId ??= await this.#beginUpload();
    const query = { partNumber: String(this.#etags.length + 1), uploadId: this.#uploadId };
    this.#etags.push(await this.#ask({ method: "PUT", query, body: this.#pending.subarray(0, this.#pendingBytes) }));
    if (this.#etags.length === SMALL_PARTS) this.#pending = new Uint8Array(LARGE_PART_BYTES);
    this.#pendingBytes = 0;
  }

  async #beginUpload(): Promise<string> {
    const request = { method: "POST", key: this.#key, query: { uploads: "" } } as const;
    const [uploadId] = xmlTexts(await this.#bucket.askDocument(request, this.#end.signal), "UploadId");
    if (uploadId !== undefined) return uploadId;
    throw new JumpstarterError("io", `the object store did not say how to send "${this.#key}" in parts`);
  }

  /** Sends bytes; answers the tag that the store gives them. */
  async #ask(request: { method: "PUT"; query?: Record<string, string>; body: Uint8Array }): Promise<string> {
    const answer = await this.#bucket.ask({ ...request, key: this.#key }, this.#end.signal);
    await answer.discard();
    return answer.headers.get("etag") ?? "";
  }
}
