/**
 * The service of this project's own: who uses the devices, and holding them. Peers that do not know it are as well
 * off without it.
 */
import project from "../../deno.json" with { type: "json" };
import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import { bindService, type BoundService } from "../rpc/mod.ts";
import type { ChangeBell } from "./change_bell.ts";
import type { ClientList } from "./client_list.ts";
import type { ClientNote, HoldEvent } from "./hold_table.ts";
import type { Sharing } from "./sharing.ts";
import type { StatusBoard } from "./status_board.ts";
import { pause } from "../pause.ts";

/** What the service tells of. */
export interface DirectServiceParts {
  readonly sharing: Sharing;
  readonly status: Pick<StatusBoard, "current">;
  readonly clients: Pick<ClientList, "all">;
  /** Rings when something of this may have changed. */
  readonly bell: Pick<ChangeBell, "next">;
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

/** The most that a client is told of changes is once in so many milliseconds. */
const betweenChangesMs = 200;

/** The service, beside the standard ones. */
export function directService(parts: DirectServiceParts): BoundService {
  const { sharing, stopped, bell } = parts;
  return bindService(pb.DirectService, {
    getInfo: (_request, { hold }) => infoOf(parts, hold),
    async *followInfo(_request, { signal, hold }) {
      const ended = AbortSignal.any([signal, stopped]);
      for (;;) {
        const changed = bell.next(ended); // before the look
        yield { info: infoOf(parts, hold) };
        if (ended.aborted) break;
        await changed;
        await pause(betweenChangesMs, ended);
      }
      throw isStopping();
    },
    async *hold({ name, wait, steal, token }, { peer, identity, signal }) {
      if (!tokenPattern.test(token)) {
        throw new JumpstarterError("invalid_argument", "A hold needs a token of 16 to 128 printable ASCII characters");
      }
      const claim = { name: identity ?? plainName(name), peer, wait, steal, token };
      for await (const event of sharing.hold({ ...claim, signal: AbortSignal.any([signal, stopped]) })) {
        yield toResponse(event);
      }
      // An end without a word would be a hold that was given back.
      if (stopped.aborted) throw isStopping();
    },
  });
}

function infoOf(
  { sharing, status, clients, exclusive, startedAt }: DirectServiceParts,
  token: string | undefined,
) {
  const { holder, waiting } = sharing.holds;
  return {
    version: project.version,
    startedAt: pb.timestampFromDate(startedAt),
    exclusive,
    holder: holder && toClient(holder),
    heldForCaller: sharing.holds.isHeldBy(token),
    waiting,
    uses: sharing.uses.map(({ what, client }) => ({ what, client: toClient(client) })),
    clients: clients.all.map(({ identity = "", address, since }) => toClient({ name: identity, peer: address, since })),
    status: status.current.status,
    statusMessage: status.current.message,
  };
}

function isStopping(): JumpstarterError {
  return new JumpstarterError("unavailable", "The exporter is stopping");
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
