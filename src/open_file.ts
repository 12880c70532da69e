/**
 * Opens a file, for as long as `signal` does not fire.
 *
 * Opening a named pipe waits for whoever opens its other end, in a thread that only that ends: who gives up opens the
 * other end himself.
 *
 * Permissions: those of `Deno.open`.
 *
 * @throws {unknown} The signal's reason, or what `Deno.open` throws.
 */
export async function openFile(path: string, options: Deno.OpenOptions, signal?: AbortSignal): Promise<Deno.FsFile> {
  signal?.throwIfAborted();
  const opening = Deno.open(path, options);
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = () => {
    reject(signal?.reason);
    void letGo(path, opening);
  };
  signal?.addEventListener("abort", giveUp);
  try {
    return await Promise.race([opening, givenUp]);
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Ends the wait for the other end of a named pipe, and closes what is opened after all. */
async function letGo(path: string, opening: Promise<Deno.FsFile>): Promise<void> {
  const { isFifo } = await Deno.stat(path).catch(() => ({ isFifo: false }));
  // To open both ends at once waits for nobody.
  const ends = isFifo ? await Deno.open(path, { read: true, write: true }).catch(() => undefined) : undefined;
  const file = await opening.catch(() => undefined);
  file?.close();
  ends?.close();
}
