import type { Duplex } from "node:stream";
import { forgetClosedStreams } from "./closed_streams.ts";
import { goawayIsFatal, guardGoaway } from "./goaway_guard.ts";
import { joinWrites } from "./joined_writes.ts";
import { paceWrites, writesEndAtOnce } from "./paced_writes.ts";
import { releasePassed } from "./spent_bytes.ts";

/**
 * A connected socket as HTTP/2 may be given it, with what the running Deno gets wrong mended, and each turn's
 * writes as one.
 *
 * @param socket A connected net or TLS socket.
 * @param role Which end of the connection this is.
 */
export function mendSocket(socket: Duplex, role: "server" | "client"): Duplex {
  const { deno } = Deno.version;
  joinWrites(socket);
  const mended = goawayIsFatal(deno) ? guardGoaway(socket, role) : socket;
  releasePassed(socket, mended);
  forgetClosedStreams(mended);
  if (writesEndAtOnce(deno)) paceWrites(mended, role);
  return mended;
}
