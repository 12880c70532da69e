/**
 * A look at what a new connection says first. Deno (2.9.3) keeps 10 to 20 KiB of native memory of each HTTP/2 session for
 * ever, beside what `forget_session.ts` can let go of, so none is begun for those who only knock.
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { PREFACE } from "./http2_frames.ts";

/**
 * Tells once whether a peer begins as HTTP/2 does; never for one that goes before. What it has said can be read from the
 * socket again.
 *
 * @param stream A socket that nobody reads yet.
 */
export function onGreeting(stream: Socket, told: (isHttp2: boolean) => void): void {
  let said: Uint8Array = new Uint8Array();
  const listen = (chunk: Uint8Array) => {
    said = Buffer.concat([said, chunk]);
    const isHttp2 = said.subarray(0, PREFACE.length).every((byte, index) => byte === PREFACE[index]);
    if (isHttp2 && said.length < PREFACE.length) return;
    stream.off("data", listen);
    stream.pause();
    stream.unshift(said);
    told(isHttp2);
  };
  stream.on("data", listen);
}
