import type { Metadata } from "@grpc/grpc-js";
import { createHash, timingSafeEqual } from "node:crypto";

/** The metadata entry that carries the passphrase on every call. */
export const passphraseKey = "x-jumpstarter-passphrase";

/** Answers whether a call's metadata carries the passphrase, in a time that does not depend on what it carries. */
export function passphraseChecker(expected: string): (metadata: Metadata) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const wanted = digest(expected);
  return (metadata) => {
    const presented = metadata.get(passphraseKey);
    return presented.length === 1 && timingSafeEqual(digest(String(presented[0])), wanted);
  };
}
