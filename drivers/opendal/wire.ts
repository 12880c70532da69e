/** What both halves of the driver say to each other. */

/** How a file is opened: `rb` to read it, `wb` to write it anew. */
export type OpenMode = "rb" | "wb";

/** The hashes that a file's content can be told by. */
export type HashAlgorithm = "md5" | "sha256";

/** A request that whoever has it may make for a while, without credentials of their own. */
export interface PresignedRequest {
  /** Where to. */
  readonly url: string;
  /** `HEAD`, `GET` or `PUT`. */
  readonly method: string;
  /** What to send along. */
  readonly headers: Readonly<Record<string, string>>;
}
