import type { Readable } from "node:stream";

/** What is needed of a call of grpc-js to read it. */
type ReadableCall = Pick<Readable, "read" | "readableEnded" | "destroyed" | "once" | "off">;

/**
 * The messages that arrive on a call, until they end, however they do. Leaving the loop leaves the call as it is.
 *
 * Not by the call's own iterator: at an error that drops what has arrived before it, and destroys a call whose status
 * is still to be sent.
 */
export async function* messagesOf<T>(call: ReadableCall): AsyncGenerator<T> {
  while (!call.destroyed) {
    const message: T | null = call.read();
    if (message !== null) yield message;
    else if (call.readableEnded) return;
    else await nextEvent(call);
  }
}

/** Waits until there may be something to read, or never will be. */
function nextEvent(call: ReadableCall): Promise<void> {
  const names = ["readable", "end", "error", "close"];
  return new Promise((resolve) => {
    const wake = () => {
      for (const name of names) call.off(name, wake);
      resolve();
    };
    for (const name of names) call.once(name, wake);
  });
}
