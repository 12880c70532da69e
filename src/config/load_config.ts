import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError, JumpstarterError } from "../errors.ts";
import { homeDir } from "../platform.ts";
import {
  type ConfigLimits,
  type ConfigReading,
  defaultMaxBytes,
  inFileOrder,
  type ParsedConfig,
  readConfig,
  tooLarge,
  type UnplacedProblem,
} from "./parse_config.ts";

/** What a file says, right or wrong. */
export interface FileReading extends ConfigReading {
  /** The file, which a driver module named by a relative path starts from. */
  readonly url: URL;
}

/** A configuration that was read from a file. */
export interface LoadedConfig extends ParsedConfig {
  /** The file, which a driver module named by a relative path starts from. */
  readonly url: URL;
}

/**
 * Reads as much of a configuration as its file has.
 *
 * @throws {ConfigError} when the file cannot be read, or is nothing that could be looked at further.
 */
export async function readConfigFile(path: string, limits: ConfigLimits = {}): Promise<FileReading> {
  const { maxBytes = defaultMaxBytes } = limits;
  const refuse = (message: string, hint?: string) => new ConfigError(path, [{ message, path: [], hint }]);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readUpTo(path, maxBytes);
  } catch (error) {
    const { message, hint } = whyUnreadable(error);
    throw refuse(message, hint);
  }
  if (bytes === undefined) throw new ConfigError(path, [tooLarge(maxBytes)]);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("not UTF-8", "save it in that encoding");
  }
  return await withScriptFiles({ ...readConfig(text, path, limits), url: pathToFileURL(path) });
}

/** The path of a file that the config at `url` names; a relative one starts from the config's own folder. */
export function resolveBeside(url: URL, file: string): string {
  return isAbsolute(file) ? file : join(dirname(fileURLToPath(url)), file);
}

/** Adds the problems of script files that are not there. */
async function withScriptFiles(reading: FileReading): Promise<FileReading> {
  const missing: UnplacedProblem[] = [];
  for (const name of ["beforeLease", "afterLease"] as const) {
    const file = reading.config?.hooks[name]?.scriptFile;
    if (file === undefined) continue;
    const path = resolveBeside(reading.url, file);
    if (!await mayBeFile(path)) {
      missing.push({ path: ["hooks", name, "scriptFile"], message: `there is no file "${path}"` });
    }
  }
  if (missing.length === 0) return reading;
  const problems = inFileOrder([...reading.problems, ...reading.problemsAt(missing)]);
  return { ...reading, config: undefined, problems };
}

/** Where Deno may not look, the file may be there. */
async function mayBeFile(path: string): Promise<boolean> {
  if ((await Deno.permissions.query({ name: "read", path })).state !== "granted") return true;
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

/**
 * Finds the file of a configuration that is named by alias: the user's own, or else the system's.
 *
 * @param env The environment: `JMP_CLIENT_CONFIG_HOME`, `XDG_CONFIG_HOME` and `HOME` are looked at.
 * @throws {JumpstarterError} `config` when there is no such file; its hint names the places.
 */
export async function findConfig(alias: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  if (/^\.{0,2}$|[/\\]/.test(alias)) {
    throw new JumpstarterError("config", `"${alias}" cannot be the alias of a config`, {
      hint: "an alias is a file name without its .yaml",
    });
  }
  const places = placesOf(alias, env);
  for (const place of places) {
    if (await exists(place)) return place;
  }
  throw new JumpstarterError("config", `there is no exporter config "${alias}"`, {
    hint: `looked at ${places.join(" and ")}`,
  });
}

/** Where a config may be, in the order of looking. */
function placesOf(alias: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const home = homeDir(env);
  const xdg = env.XDG_CONFIG_HOME ?? "";
  // The XDG rules say to ignore a relative path.
  const base = isAbsolute(xdg) ? xdg : home && `${home}/.config`;
  const user = env.JMP_CLIENT_CONFIG_HOME || (base && `${base}/jumpstarter`);
  return [user, "/etc/jumpstarter"].flatMap((folder) => folder ? [`${folder}/exporters/${alias}.yaml`] : []);
}

/** Whether anything is there. What cannot be looked at counts as there, so that loading it says why. */
async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}

/** The bytes of a file, or nothing when it has more than `limit`; a pipe is read no further than that. */
async function readUpTo(path: string, limit: number): Promise<Uint8Array | undefined> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(limit + 1);
  let length = 0;
  while (length <= limit) {
    const count = await file.read(buffer.subarray(length));
    if (count === null) return buffer.subarray(0, length);
    length += count;
  }
  return undefined;
}

function whyUnreadable(error: unknown): { message: string; hint?: string } {
  if (error instanceof Deno.errors.NotFound) return { message: "no such file", hint: "is the path right?" };
  if (error instanceof Deno.errors.IsADirectory) {
    return { message: "this is a directory", hint: "name the .yaml file in it" };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return { message: "Deno may not read this file", hint: "allow it with --allow-read" };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return { message: "permission denied", hint: "its owner can let you read it" };
  }
  return { message: `cannot be read: ${error instanceof Error ? error.message : error}` };
}
