import * as pb from "../../proto/mod.ts";
import { HookError, JumpstarterError } from "../errors.ts";
import type { Channel } from "../rpc/mod.ts";
import { pause } from "../pause.ts";
import { type ExporterStatusUpdate, readWholeInfo } from "./exporter_info.ts";

/** How to wait. */
export interface ReadyOptions {
  /** The most to wait, in milliseconds. */
  timeoutMs: number;
  /** Told of every change of status until the exporter is ready. */
  onStatus?: (status: ExporterStatusUpdate) => void;
  /** The version of the status of a session that is ending: while it lasts, the exporter is not ready for the next. */
  ending?: bigint;
  /** Gives up when it fires. */
  signal?: AbortSignal;
}

/** The prefix of a ready exporter's message that tells of a hook that failed and may. */
const warningPrefix = "[HOOK_WARNING] ";

/** The pause between two questions: short at first, since most hooks are short. */
const pollPause = { firstMs: 25, mostMs: 250 };

/** States that nothing but a new session leads out of. */
const failedStates: ReadonlySet<pb.ExporterStatus> = new Set([
  pb.ExporterStatus.BEFORE_LEASE_HOOK_FAILED,
  pb.ExporterStatus.AFTER_LEASE_HOOK_FAILED,
  pb.ExporterStatus.OFFLINE,
]);

/**
 * Waits until an exporter is ready for calls. Answers the warning of a hook that failed and may, if there is one.
 *
 * @throws {HookError} when a hook has failed, with the exporter's own words.
 * @throws {JumpstarterError} `timeout`, `not_ready` when it has ended its session and begins no other, or
 * `connection_lost` when it goes away meanwhile.
 */
export async function waitReady(
  channel: Channel,
  { timeoutMs, onStatus, ending, signal }: ReadyOptions,
): Promise<string | undefined> {
  const deadline = Date.now() + timeoutMs;
  let seen: bigint | undefined;
  for (let pauseMs = pollPause.firstMs;; pauseMs = Math.min(2 * pauseMs, pollPause.mostMs)) {
    const answer = await askStatus(channel, signal);
    if (answer === undefined) return undefined;
    const { status, message = "", statusVersion } = answer;
    if (status === pb.ExporterStatus.LEASE_READY && statusVersion !== ending) {
      return message.startsWith(warningPrefix) ? message.slice(warningPrefix.length) : undefined;
    }
    if (failedStates.has(status)) throw failure(status, message);
    if (await isOver(channel, answer, signal)) throw over(message);
    const name = pb.ExporterStatus[status] ?? `status ${status}`;
    if (statusVersion !== seen) onStatus?.({ status: name, message });
    seen = statusVersion;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      throw new JumpstarterError("timeout", `The exporter was not ready within ${timeoutMs / 1_000} s (${name})`, {
        hint: message || undefined,
      });
    }
    await pause(Math.min(pauseMs, leftMs), signal);
  }
}

/** What the exporter says; nothing where it is so old that it does not know the question, and is ready when it is there. */
async function askStatus(channel: Channel, signal: AbortSignal | undefined): Promise<pb.GetStatusResponse | undefined> {
  try {
    return await channel.unary(pb.ExporterService.method.getStatus, {}, { signal });
  } catch (error) {
    if (error instanceof JumpstarterError && error.code === "unimplemented") return undefined;
    throw error;
  }
}

/**
 * Whether there will be no other session. Exporters of this project are only on their way to the next then; that of the
 * Python implementation stays so until it is stopped.
 */
async function isOver(channel: Channel, { status, previousStatus }: pb.GetStatusResponse, signal?: AbortSignal) {
  if (status !== pb.ExporterStatus.AVAILABLE || previousStatus === undefined) return false;
  return await readWholeInfo(channel, signal) === undefined;
}

function over(message: string): JumpstarterError {
  const state = `AVAILABLE${message === "" ? "" : `: ${message}`}`;
  return new JumpstarterError("not_ready", `The exporter has ended its session and begins no other (${state})`, {
    hint: "it has to be stopped and started anew",
  });
}

function failure(status: pb.ExporterStatus, message: string): JumpstarterError {
  if (status === pb.ExporterStatus.OFFLINE) {
    return new JumpstarterError("connection_lost", `The exporter is stopping: ${message}`);
  }
  return new HookError(message || `The exporter reports ${pb.ExporterStatus[status]}`, []);
}
