/**
 * The service of this project's own: who uses the devices, and holding them. Peers that do not know it are as well
 * off without it.
 */
import project from "../../deno.json" with { type: "json" };
import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { bindService, type BoundService } from "../rpc/mod.ts";
import type { ClientNote, HoldEvent } from "./hold_table.ts";
import type { Sharing } from "./sharing.ts";

/** What the service tells of. */
export interface DirectServiceParts {
  readonly sharing: Sharing;
  /** Whether clients are asked to hold the devices before they use them. */
  readonly exclusive: boolean;
  /** Fires when the exporter stops: holds end. */
  readonly stopped: AbortSignal;
  /** When the exporter was started. */
  readonly startedAt: Date;
}

/** What shows a hold: long enough not to be guessed, and what gRPC metadata can carry. */
const tokenPattern = /^[\x21-\x7e]{16,128}$/;

/** How much of the name that a client gives itself is shown. */
const longestName = 64;

/** The service, beside the standard ones. */
export function directService({ sharing, exclusive, stopped, startedAt }: DirectServiceParts): BoundService {
  return bindService(pb.DirectService, {
    getInfo: () => ({
      version: project.version,
      startedAt: pb.timestampFromDate(startedAt),
      exclusive,
      holder: sharing.holds.holder && toClient(sharing.holds.holder),
      waiting: sharing.holds.waiting,
      uses: sharing.uses.map(({ what, client }) => ({ what, client: toClient(client) })),
    }),
    async *hold({ name, wait, steal, token }, { peer, identity, signal }) {
      if (!tokenPattern.test(token)) {
        throw new JumpstarterError("invalid_argument", "A hold needs a token of 16 to 128 printable ASCII characters");
      }
      const claim = { name: identity ?? plainName(name), peer, wait, steal, token };
      for await (const event of sharing.hold({ ...claim, signal: AbortSignal.any([signal, stopped]) })) {
        yield toResponse(event);
      }
      // An end without a word would be a hold that was given back.
      if (stopped.aborted) throw new JumpstarterError("unavailable", "The exporter is stopping");
    },
  });
}

/** A name as it may stand in others' messages. */
function plainName(name: string): string {
  return name.replace(/[^\x20-\x7e\u00a1-\uffff]/g, "").slice(0, longestName).trim();
}

function toClient({ name, peer, since }: ClientNote) {
  return { name, address: peer, since: pb.timestampFromDate(since) };
}

function toResponse(event: HoldEvent) {
  switch (event.kind) {
    case "waiting":
      return { state: pb.HoldState.WAITING, ahead: event.ahead, other: event.other && toClient(event.other) };
    case "held":
      return { state: pb.HoldState.HELD };
    case "lost":
      return { state: pb.HoldState.LOST, other: toClient(event.other) };
  }
}
