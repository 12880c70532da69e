import { createHash, type Hash } from "node:crypto";
import { JumpstarterError } from "../errors.ts";

/**
 * Length and SHA-256 of what has gone one way through a stream.
 *
 * The sender adds them to its GOAWAY frame, and the receiver compares, where both have said so in their metadata. So
 * between two ends of ours nothing is lost or changed unseen; with other peers nothing is hashed in vain.
 */
export class Digest {
  readonly #hash: Hash = createHash("sha256");
  #length = 0;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#length += bytes.length;
  }

  /** The payload of the GOAWAY frame that ends the stream. */
  trailer(): Uint8Array {
    return new TextEncoder().encode(JSON.stringify({ length: this.#length, sha256: this.#hash.digest("hex") }));
  }

  /**
   * Compares with the sender's trailer.
   *
   * @throws {JumpstarterError} `io` when something is missing or different.
   */
  verify(trailer: Uint8Array): void {
    const sent = parseTrailer(trailer);
    if (typeof sent.length !== "number") {
      throw new JumpstarterError("io", "The transfer is not whole: its end does not say what was sent");
    }
    if (sent.length !== this.#length) {
      throw new JumpstarterError("io", `The transfer is not whole: ${this.#length} of ${sent.length} bytes came`);
    }
    if (sent.sha256 !== this.#hash.digest("hex")) {
      throw new JumpstarterError("io", `The transfer is damaged: its ${this.#length} bytes differ from what was sent`);
    }
  }
}

function parseTrailer(trailer: Uint8Array): { length?: unknown; sha256?: unknown } {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(trailer));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
