import type { ConfigLimits } from "../config/mod.ts";
import type { ServerLimits } from "../rpc/mod.ts";
import { parsePositiveDuration } from "./duration.ts";
import { type Command, InvalidArgumentError, Option } from "./program.ts";

/** The limits of a config, as commander names their options. */
export interface ConfigLimitOptions {
  maxConfigSize?: number;
  maxAliasedValues?: number;
}

/** The limits of an exporter: sizes in bytes, times in milliseconds. */
export interface LimitOptions extends ConfigLimitOptions {
  maxConnections?: number;
  maxStreams?: number;
  maxMessageSize?: number;
  maxMetadataSize?: number;
  handshakeTimeout?: number;
  idleTimeout?: number;
  unusedFileTimeout?: number;
}

const kib = 1_024, mib = kib * kib;
const sizeUnits: Readonly<Record<string, number>> = { "": 1, KiB: kib, MiB: mib };

/** Declares what bounds a config. */
export function addConfigLimits(command: Command): Command {
  return command
    .addOption(limit("--max-config-size <size>", "How large a config may be", "1MiB", size(kib, 64 * mib)))
    .addOption(limit("--max-aliased-values <n>", "How many values YAML aliases may stand for", "10000", count(0, 1e6)));
}

/** Declares what bounds the peers of an exporter. */
export function addServerLimits(command: Command): Command {
  return command
    .addOption(limit("--max-connections <n>", "How many clients' connections", "256", count(1, 65_536)))
    .addOption(limit("--max-streams <n>", "How many calls at a time on each", "256", count(2, 65_536)))
    .addOption(limit("--max-message-size <size>", "How long a message may be", "4MiB", size(64 * kib, 1_024 * mib)))
    .addOption(limit("--max-metadata-size <size>", "How long a call's metadata", "16KiB", size(4 * kib, mib)))
    .addOption(
      limit("--handshake-timeout <duration>", "How long until a peer speaks HTTP/2", "10s", parsePositiveDuration),
    )
    .addOption(
      limit("--idle-timeout <duration>", "How long a connection without a call is kept", "1h", parsePositiveDuration),
    )
    .addOption(
      limit("--unused-file-timeout <duration>", "How long a file waits for its call", "5m", parsePositiveDuration),
    );
}

/** The limits that the options set; the others are the defaults. */
export function serverLimits(options: LimitOptions): Partial<ServerLimits> {
  const all = {
    maxConnections: options.maxConnections,
    maxStreams: options.maxStreams,
    maxMessageBytes: options.maxMessageSize,
    maxMetadataBytes: options.maxMetadataSize,
    handshakeMs: options.handshakeTimeout,
    idleMs: options.idleTimeout,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** The same for those of a config. */
export function configLimits({ maxConfigSize, maxAliasedValues }: ConfigLimitOptions): ConfigLimits {
  return { maxBytes: maxConfigSize, maxAliasedValues };
}

/** The default is told, and not set: it is that of the part which keeps the limit. */
function limit(flags: string, what: string, byDefault: string, parse: (text: string) => number): Option {
  return new Option(flags, `${what} (default: ${byDefault})`).argParser(parse).helpGroup("Limits:");
}

function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function size(least: number, most: number): (text: string) => number {
  return (text) => {
    const [, digits = "", unit = ""] = /^(\d{1,9})(|KiB|MiB)$/.exec(text) ?? [];
    const bytes = digits === "" ? NaN : Number(digits) * (sizeUnits[unit] ?? NaN);
    if (bytes >= least && bytes <= most) return bytes;
    throw new InvalidArgumentError(`It must be a size from ${inUnits(least)} to ${inUnits(most)}, such as 64KiB.`);
  };
}

function inUnits(bytes: number): string {
  return bytes < mib ? `${bytes / kib}KiB` : `${bytes / mib}MiB`;
}
