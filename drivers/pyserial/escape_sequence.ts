const ctrlB = 0x02;
/** How often it has to be pressed. */
const length = 3;

/** Finds the keys that leave a console, ctrl-B three times in a row, among those that are typed. */
export class EscapeSequence {
  #count = 0;

  /**
   * What of `typed` is to be sent: all of it, or what stands before the last key of the sequence. The keys before that
   * one are sent, since they may have been meant for the device.
   */
  feed(typed: Uint8Array): { readonly bytes: Uint8Array; readonly isComplete: boolean } {
    for (const [index, key] of typed.entries()) {
      this.#count = key === ctrlB ? this.#count + 1 : 0;
      if (this.#count === length) return { bytes: typed.subarray(0, index), isComplete: true };
    }
    return { bytes: typed, isComplete: false };
  }
}
