import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { JumpstarterError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Permission } from "../permission.ts";
import type { ClientDefinition } from "./client_definition.ts";
import type { DriverDefinition } from "./driver_definition.ts";

/**
 * What one driver folder offers, by name. The modules behind it are loaded when they are first needed, so that a
 * client never loads the exporter's half nor the other way round.
 */
export interface DriverPackage {
  /** The drivers, by each `type` that a config may use. */
  readonly drivers: Readonly<Record<string, () => Promise<DriverDefinition>>>;
  /** The clients, by label. */
  readonly clients: Readonly<Record<string, () => Promise<ClientDefinition>>>;
}

/** The client for a label, or nothing when no package has one. */
export async function loadClient(
  packages: readonly DriverPackage[],
  label: string,
): Promise<ClientDefinition | undefined> {
  for (const { clients } of packages) {
    const load = Object.hasOwn(clients, label) ? clients[label] : undefined;
    if (load !== undefined) return await load();
  }
  return undefined;
}

/**
 * The driver of a config's `type`: a name that one of `packages` has, or a module and its export, such as
 * `./relay.ts#relay` (relative to `base`) or `jsr:@acme/relay#relay`.
 *
 * Needs no permission for a built-in driver; a module by path needs read of that path, one by URL the import of
 * its host.
 *
 * @param base The URL that relative specifiers start from: the config file's.
 * @param integrity What a module that is a file must be, see {@linkcode moduleIntegrity}; it is not run otherwise.
 * @throws {JumpstarterError} `config` when there is no such driver, with the near names as its hint, or when its
 * module is not the one that was pinned.
 */
export async function loadDriver(
  packages: readonly DriverPackage[],
  type: string,
  base: URL,
  integrity?: string,
): Promise<DriverDefinition> {
  for (const { drivers } of packages) {
    const load = Object.hasOwn(drivers, type) ? drivers[type] : undefined;
    if (load === undefined) continue;
    if (integrity === undefined) return await load();
    throw new JumpstarterError("config", `"${type}" is built in, and cannot be pinned`, { hint: "remove integrity" });
  }
  if (type.includes("#")) {
    if (integrity !== undefined) await assertIntegrity(type, base, integrity);
    return await importDriver(type, base);
  }
  const near = nearest(type, packages.flatMap(({ drivers }) => Object.keys(drivers)));
  throw new JumpstarterError("config", `unknown driver type "${type}"`, {
    hint: near.length > 0
      ? `did you mean ${near.map((name) => `"${name}"`).join(" or ")}?`
      : 'a driver of your own is named by module and export, such as "./relay.ts#relay"',
  });
}

/**
 * What Deno has to allow to load the driver of a `type`: nothing for a name, the folder of a module that is a file
 * (what it imports is read as well), the host of one that is a URL.
 */
export function modulePermissions(type: string, base: URL): Permission[] {
  if (!type.includes("#")) return [];
  const url = moduleUrl(type.split("#", 1)[0] ?? "", base);
  if (!URL.canParse(url)) return [];
  const { protocol, host, port } = new URL(url);
  if (protocol === "file:") return [{ kind: "read", of: dirname(fileURLToPath(url)) }];
  return /^https?:$/.test(protocol) ? [{ kind: "import", of: port === "" ? `${host}:443` : host }] : [];
}

/**
 * The `integrity` of a driver's module that is a file: `sha256-` and the SHA-256 of its text in base64. What the module
 * itself imports is not part of it. Nothing for a type that names no file.
 */
export async function moduleIntegrity(type: string, base: URL): Promise<string | undefined> {
  const url = moduleUrl(type.split("#", 1)[0] ?? "", base);
  if (!type.includes("#") || !url.startsWith("file:")) return undefined;
  return `sha256-${createHash("sha256").update(await Deno.readFile(new URL(url))).digest("base64")}`;
}

async function assertIntegrity(type: string, base: URL, pinned: string): Promise<void> {
  const refuse = (message: string, hint: string) => new JumpstarterError("config", message, { hint });
  const actual = await moduleIntegrity(type, base).catch((cause) => {
    throw new JumpstarterError("config", `cannot read the driver module of "${type}": ${firstLine(cause)}`, { cause });
  });
  if (actual === undefined) {
    throw refuse(`"${type}" is no file, and cannot be pinned`, "name an exact version instead, and lock it");
  }
  if (actual !== pinned) {
    throw refuse(`the driver module of "${type}" is not the one that was pinned`, `it is ${actual}`);
  }
}

function moduleUrl(specifier: string, base: URL): string {
  return /^\.{0,2}\//.test(specifier) ? new URL(specifier, base).href : specifier;
}

/** Imports `specifier#export`, the one place where a config names code. */
async function importDriver(type: string, base: URL): Promise<DriverDefinition> {
  const [specifier = "", exportName = ""] = type.split("#", 2);
  const url = moduleUrl(specifier, base);
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (cause) {
    throw new JumpstarterError("config", `cannot load the driver module "${specifier}": ${whyNotLoaded(cause, url)}`, {
      cause,
    });
  }
  const definition = Object.hasOwn(module, exportName) ? module[exportName] : undefined;
  if (isDriverDefinition(definition)) return definition;
  const drivers = Object.keys(module).filter((name) => isDriverDefinition(module[name]));
  throw new JumpstarterError("config", `"${specifier}" exports no driver named "${exportName}"`, {
    hint: drivers.length > 0 ? `it exports ${drivers.join(", ")}` : "export what defineDriver returns",
  });
}

function isDriverDefinition(value: unknown): value is DriverDefinition {
  if (typeof value !== "object" || value === null) return false;
  const { type, client, start, methods } = value as Partial<DriverDefinition>;
  return typeof type === "string" && typeof client === "string" && typeof start === "function" &&
    typeof methods === "object" && methods !== null;
}

function whyNotLoaded(error: unknown, url: string): string {
  const line = firstLine(error);
  return line === `Module not found "${url}".` ? "no such file" : line.replace(/\.$/, "");
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
