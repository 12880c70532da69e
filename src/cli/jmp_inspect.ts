import { type ClientNode, type Exporter, openExporter } from "../client/mod.ts";
import type { DriverClient } from "../driver/mod.ts";
import type { Json } from "../json.ts";
import type { RemoteOptions } from "./connection_options.ts";
import type { MainOptions } from "./main_options.ts";
import { openRemote } from "./open_remote.ts";
import { printable, writeOut } from "./output.ts";

/** The options of `jmp inspect`, as commander names them. */
export interface InspectOptions extends RemoteOptions {
  json?: boolean;
}

/** Shows an exporter's devices: their classes, what they are, and what the exporter says of their methods. */
export async function jmpInspect(options: InspectOptions, { env, packages }: MainOptions): Promise<void> {
  using remote = await openRemote(options, env);
  const { channel } = remote;
  // The tree can be read in every state, and who asks for the state begins a session where sessions have hooks.
  const exporter = await openExporter(channel, packages, { exclusive: false });
  writeOut(options.json ? `${JSON.stringify(toJson(exporter))}\n` : toText(exporter));
}

function toJson({ name, labels, motd, root }: Exporter): Json {
  return { name, labels: { ...labels }, motd, drivers: root.children.map(nodeToJson) };
}

function nodeToJson({ name, label, description, client, definition, children }: ClientNode): Json {
  const methods = methodsOf(client);
  return {
    name,
    uuid: client.link.uuid,
    class: label,
    known: definition !== undefined,
    description: description ?? null,
    broken: client.link.labels["jumpstarter.dev/broken"] ?? null,
    methods: namesMethods(client) || methods.length > 0 ? methods.map((method) => ({ ...method })) : null,
    children: children.map(nodeToJson),
  };
}

/** What the exporter says is its own text. */
function toText({ name, root }: Exporter): string {
  return [name || "(the exporter does not say its name)", ...root.children.flatMap((node) => nodeToLines(node, 1))]
    .map(printable).join("\n") + "\n";
}

function nodeToLines({ name, label, description, client, definition, children }: ClientNode, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const unknown = definition === undefined ? "  (no client for this class here)" : "";
  const methods = methodsOf(client);
  return [
    `${indent}${name}  ${label}${unknown}`,
    ...(description === undefined ? [] : [`${indent}  ${description}`]),
    ...methods.map(({ name, kind, description }) =>
      `${indent}  .${name}  ${[kindInWords[kind] ?? kind, description].filter((part) => part).join(": ")}`.trimEnd()
    ),
    ...(namesMethods(client) ? [] : [`${indent}  (${methods.length > 0 ? "other " : ""}methods unknown)`]),
    ...children.flatMap((child) => nodeToLines(child, depth + 1)),
  ];
}

/** How a kind of method reads; the plain call goes without saying. */
const kindInWords: Readonly<Record<string, string>> = {
  call: "",
  callStream: "stream of values",
  openStream: "raw stream",
  unknown: "",
};

/** The label by which an exporter of ours names a driver's methods, each with its kind. */
const methodsLabel = "jumpstarter.dev/methods";

/** Whether an exporter says which methods a driver has. A Python one names only those that its config describes. */
function namesMethods({ link: { labels } }: DriverClient): boolean {
  return labels[methodsLabel] !== undefined;
}

/** What the exporter says that a driver offers. */
function methodsOf({ link: { labels, methodDescriptions } }: DriverClient) {
  const listed = (labels[methodsLabel] ?? "").split(" ").filter((entry) => entry !== "");
  const kinds = new Map(listed.map((entry) => entry.split(":", 2) as [string, string]));
  const names = new Set([...kinds.keys(), ...Object.keys(methodDescriptions)]);
  return [...names].map((name) => ({
    name,
    kind: kinds.get(name) ?? "unknown",
    description: methodDescriptions[name] ?? "",
  }));
}
