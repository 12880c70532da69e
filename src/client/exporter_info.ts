import * as pb from "../../proto/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Channel } from "../rpc/mod.ts";
import { type OtherClient, toOther } from "./hold.ts";
import { pause } from "../pause.ts";

/** What an exporter says of itself. */
export interface ExporterStatusUpdate {
  /** The state's name in the wire contract, such as `LEASE_READY`. */
  status: string;
  /** Why, in the exporter's own words. */
  message: string;
}

/** What an exporter tells of itself and of those who use it. */
export interface ExporterInfo extends ExporterStatusUpdate {
  /** What only an exporter of this project tells. */
  readonly own?: OwnInfo;
}

/** What only an exporter of this project tells. */
export interface OwnInfo {
  readonly version: string;
  readonly startedAt: Date;
  /** Whether its clients are asked to hold the devices. */
  readonly isExclusive: boolean;
  readonly holder?: OtherClient;
  /** Whether this connection is let in by that hold. */
  readonly isHeldForUs: boolean;
  /** How many wait to hold the devices. */
  readonly waiting: number;
  readonly clients: readonly OtherClient[];
  /** What is under way, such as `power.read`, and for whom. */
  readonly uses: readonly { readonly what: string; readonly client: OtherClient }[];
}

/** The pause between two questions to an exporter that does not tell by itself. */
const askAgainMs = 1_000;

/** What an exporter tells of itself now. One of another implementation tells its state alone. */
export async function readInfo(channel: Channel, signal?: AbortSignal): Promise<ExporterInfo> {
  return await readWholeInfo(channel, signal) ?? await readStatus(channel, signal);
}

/** The same, and nothing where the exporter is one of another implementation. */
export async function readWholeInfo(channel: Channel, signal?: AbortSignal): Promise<ExporterInfo | undefined> {
  try {
    return toInfo(await channel.unary(pb.DirectService.method.getInfo, {}, { signal }));
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
}

/** The same at once and whenever it may have changed, until the loop is left or `signal` fires. */
export async function* followInfo(channel: Channel, signal?: AbortSignal): AsyncGenerator<ExporterInfo> {
  try {
    for await (const { info } of channel.serverStream(pb.DirectService.method.followInfo, {}, { signal })) {
      if (info !== undefined) yield toInfo(info);
    }
    return;
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
  for (;; await pause(askAgainMs, signal)) yield await readStatus(channel, signal);
}

async function readStatus(channel: Channel, signal?: AbortSignal): Promise<ExporterInfo> {
  const { status, message = "" } = await channel.unary(pb.ExporterService.method.getStatus, {}, { signal });
  return { status: nameOf(status), message };
}

function isUnknown(error: unknown): boolean {
  return error instanceof JumpstarterError && error.code === "unimplemented";
}

function toInfo(info: pb.GetInfoResponse): ExporterInfo {
  const { version, startedAt, exclusive, holder, heldForCaller, waiting, clients, uses, status, statusMessage } = info;
  return {
    status: nameOf(status),
    message: statusMessage,
    own: {
      version,
      startedAt: startedAt === undefined ? new Date(0) : pb.timestampDate(startedAt),
      isExclusive: exclusive,
      holder: holder && toOther(holder),
      isHeldForUs: heldForCaller,
      waiting,
      clients: clients.map(toOther),
      uses: uses.flatMap(({ what, client }) => client === undefined ? [] : [{ what, client: toOther(client) }]),
    },
  };
}

function nameOf(status: pb.ExporterStatus): string {
  return pb.ExporterStatus[status] ?? `status ${status}`;
}
