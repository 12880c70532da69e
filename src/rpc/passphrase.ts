import type { Metadata } from "@grpc/grpc-js";
import { createHash, timingSafeEqual } from "node:crypto";
import { JumpstarterError } from "../errors.ts";

/** The metadata entry that carries the passphrase on every call. */
export const passphraseKey = "x-jumpstarter-passphrase";

/**
 * Checks that a passphrase can travel: gRPC metadata takes printable ASCII only, and HTTP/2 peers trim spaces at
 * its ends.
 *
 * @throws {JumpstarterError} `usage` with the reason; never with the passphrase.
 */
export function assertPassphrase(passphrase: string): void {
  if (passphrase === "") {
    throw new JumpstarterError("usage", "The passphrase is empty, which would let everyone in", {
      hint: "give one, or leave the option out",
    });
  }
  if (!/^[\x20-\x7e]+$/.test(passphrase)) {
    throw new JumpstarterError("usage", "The passphrase has characters outside printable ASCII, which cannot travel", {
      hint: "use letters, digits and punctuation",
    });
  }
  if (passphrase.trim() !== passphrase) {
    throw new JumpstarterError("usage", "The passphrase begins or ends with a space, which is lost on the way", {
      hint: "remove the space",
    });
  }
}

/** Answers whether a call's metadata carries the passphrase, in a time that does not depend on what it carries. */
export function passphraseChecker(expected: string): (metadata: Metadata) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const wanted = digest(expected);
  return (metadata) => {
    const presented = metadata.get(passphraseKey);
    return presented.length === 1 && timingSafeEqual(digest(String(presented[0])), wanted);
  };
}
