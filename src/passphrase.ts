import { JumpstarterError } from "./errors.ts";

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
