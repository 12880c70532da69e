import project from "../../deno.json" with { type: "json" };
import {
  type ClientNode,
  describeOther,
  type Exporter,
  type ExporterInfo,
  followInfo,
  openExporter,
  type OtherClient,
  readInfo,
} from "../client/mod.ts";
import { JumpstarterError } from "../errors.ts";
import type { Json } from "../json.ts";
import { formatAddress } from "../address.ts";
import type { Channel } from "../rpc/mod.ts";
import type { RemoteOptions } from "./connection_options.ts";
import type { MainOptions } from "./main_options.ts";
import { openRemote } from "./open_remote.ts";
import { printable, writeErr, writeOut } from "./output.ts";
import { pause } from "../pause.ts";

/** The options of `jmp status`, as commander names them. */
export interface StatusOptions extends RemoteOptions {
  json?: boolean;
  watch?: boolean;
}

/** An exporter at one moment. */
interface Snapshot {
  readonly where: string;
  readonly exporter: Exporter;
  readonly info: ExporterInfo;
}

/** The pause before an exporter that is gone is looked for again. */
const againAfterMs = 500;

/** Shows an exporter's state, once or again whenever it changes. */
export async function jmpStatus(options: StatusOptions, { env }: MainOptions): Promise<void> {
  using remote = await openRemote(options, env);
  const { channel, connection: { address } } = remote;
  const where = formatAddress(address);
  if (!options.watch) {
    const snapshot = { where, exporter: await look(channel), info: await readInfo(channel) };
    return writeOut(options.json ? `${JSON.stringify(toJson(snapshot))}\n` : toText(snapshot));
  }
  const show = options.json ? showJson() : showChanges();
  for (;;) {
    try {
      for await (const info of followInfo(channel)) show({ where, exporter: await look(channel), info });
    } catch (error) {
      if (!isGone(error)) throw error;
      writeErr(`Reconnecting to ${where}\n`);
    }
    await comeBack(channel);
  }
}

/** The devices, without their clients. */
function look(channel: Channel): Promise<Exporter> {
  return openExporter(channel, [], { exclusive: false, reconnectTimeoutMs: 0 });
}

async function comeBack(channel: Channel): Promise<void> {
  for (;;) {
    await pause(againAfterMs); // one that stops still answers, but lets nobody follow it
    try {
      return void await look(channel);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof JumpstarterError && ["connection_lost", "connect", "unavailable"].includes(error.code);
}

/** A line for each change. Calls come and go too fast to be one. */
function showJson(): (snapshot: Snapshot) => void {
  let shown = "";
  return (snapshot) => {
    const json = toJson(snapshot);
    const key = JSON.stringify({ ...json, uses: null });
    if (key !== shown) writeOut(`${JSON.stringify(json)}\n`);
    shown = key;
  };
}

/** All at first, and then what is new (`+`) and what is not so any more (`-`). */
function showChanges(): (snapshot: Snapshot) => void {
  let shown: readonly string[] | undefined;
  return (snapshot) => {
    const lines = [stateLine(snapshot), ...factLines(snapshot), ...driverLines(snapshot)];
    if (shown === undefined) writeOut(toText(snapshot));
    const clock = new Date().toTimeString().slice(0, 8);
    for (const line of shown ?? []) if (!lines.includes(line)) writeOut(`${clock} - ${line}\n`);
    for (const line of lines) if (shown?.includes(line) === false) writeOut(`${clock} + ${line}\n`);
    shown = lines;
  };
}

/** The scheme that scripts rely on: a key is never taken away, and `null` is what the exporter does not tell. */
function toJson({ where, exporter, info: { status, message, own } }: Snapshot): { [key: string]: Json } {
  return {
    address: where,
    name: exporter.name || null,
    state: status,
    message,
    holder: own === undefined || own.holder === undefined ? null : clientToJson(own.holder),
    waiting: own?.waiting ?? null,
    clients: own?.clients.map(clientToJson) ?? null,
    uses: own?.uses.map(({ what, client }) => ({ what, client: clientToJson(client) })) ?? null,
    drivers: driversOf(exporter.root).map((driver) => ({ ...driver })),
    exclusive: own?.isExclusive ?? null,
    version: own?.version ?? null,
    startedAt: own?.startedAt.toISOString() ?? null,
    clientVersion: project.version,
  };
}

function clientToJson({ name, address, since }: OtherClient): Json {
  return { name: name || null, address, since: since?.toISOString() ?? null };
}

function toText(snapshot: Snapshot): string {
  const { info: { own } } = snapshot;
  const version = own === undefined
    ? "an exporter of another implementation, which tells no more than this"
    : `version ${printable(own.version)}, up ${duration(Date.now() - own.startedAt.getTime())}`;
  const uses = own?.uses.map(({ what, client }) => `in use: ${printable(what)} by ${printable(describeOther(client))}`);
  const lines = [version, ...factLines(snapshot), ...(uses ?? []), ...driverLines(snapshot)];
  return `${[stateLine(snapshot), ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

function stateLine({ where, exporter: { name }, info: { status, message } }: Snapshot): string {
  return printable(`${name || where}: ${status}${message === "" ? "" : ` (${message})`}`);
}

function factLines({ info: { own } }: Snapshot): string[] {
  if (own === undefined) return [];
  const { holder, waiting, clients, isExclusive } = own;
  return [
    ...(isExclusive ? ["its clients are asked to hold the devices"] : []),
    ...(holder === undefined ? [] : [`held by ${describeOther(holder)}`]),
    ...(waiting === 0 ? [] : [`waiting for the devices: ${waiting}`]),
    ...clients.map((client) => `connected: ${describeOther(client)}`),
  ].map(printable);
}

function driverLines({ exporter }: Snapshot): string[] {
  return driversOf(exporter.root).map(({ path, class: name, broken }) =>
    printable(`driver ${path}  ${name}${broken === null ? "" : `  BROKEN: ${broken}`}`)
  );
}

function driversOf({ children }: ClientNode, prefix = ""): { path: string; class: string; broken: string | null }[] {
  return children.flatMap((node) => {
    const path = `${prefix}${node.name}`;
    const broken = node.client.link.labels["jumpstarter.dev/broken"] ?? null;
    return [{ path, class: node.label, broken }, ...driversOf(node, `${path}.`)];
  });
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(ms / 1_000)} s`;
}
