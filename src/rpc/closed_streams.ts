import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { onHttp2Stream } from "./http2_streams.ts";

/**
 * Lets go of what has listened to the HTTP/2 streams of a socket, once each is closed.
 *
 * A closed stream stays until V8 looks through its whole heap, and its listeners keep all that a call was made of: some
 * 10 KB, which each of the small collections in between would copy, in twice the time.
 *
 * @param socket A connected socket that HTTP/2 has not been given yet.
 */
export function forgetClosedStreams(socket: Duplex): void {
  onHttp2Stream(socket, (stream) => {
    // After the listeners of its end, and what they have put off to the next tick.
    stream.once("close", () => setImmediate(() => stream.removeAllListeners().on("error", ignore)));
  });
}

/** What nobody listens for would end the program. */
function ignore(): void {}
