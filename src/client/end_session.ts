import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Channel } from "../rpc/mod.ts";
import { readWholeInfo } from "./exporter_info.ts";
import { waitReady } from "./wait_ready.ts";

/** How long an exporter that answers at once may take until it is ready for the next session, in milliseconds. */
const nextSessionMs = 300_000;

/**
 * Ends the session of the exporter at the other end, and waits until it is ready for the next. Answers what it says.
 *
 * @throws {JumpstarterError} `not_ready` when it ends none, or begins no other.
 */
export async function endSession(channel: Channel): Promise<string> {
  const { endSession, getStatus } = pb.ExporterService.method;
  // Exporters of this project answer when they are ready. The Python one answers at once, whatever becomes of it.
  const isAnswerLate = await readWholeInfo(channel) !== undefined;
  const before = isAnswerLate ? undefined : await channel.unary(getStatus, {});
  const { success, message = "" } = await channel.unary(endSession, {});
  if (!success) {
    throw new JumpstarterError("not_ready", `The exporter ends no session: ${message || "it gives no reason"}`);
  }
  // An exporter whose statuses have no versions is taken at its word.
  if (before !== undefined) {
    await waitReady(channel, { timeoutMs: nextSessionMs, ending: before.statusVersion || undefined });
  }
  return message;
}
