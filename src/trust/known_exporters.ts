/**
 * The exporters that a user has said to trust, each with the fingerprint of its key: a line for each, as
 * `HOST:PORT sha256:…`. A certificate that is renewed keeps its key, and so stays known.
 */
import { dirname } from "node:path";
import { JumpstarterError } from "../errors.ts";
import { parseFingerprint } from "../fingerprint.ts";
import { fileError } from "../private_files.ts";

/** An exporter that is known, and where that stands. */
export interface KnownExporter {
  /** The fingerprint of its key. */
  readonly fingerprint: string;
  /** The file and line, as `FILE:LINE`. */
  readonly place: string;
}

/** More than a user would ever confirm; whatever is longer is no such file. */
const maxBytes = 1024 * 1024;

/**
 * What is known of the exporter at an address.
 *
 * @param file The file; nothing is known when there is none.
 * @param address `HOST:PORT`, as it was remembered.
 * @throws {JumpstarterError} `config` when the file cannot be read, or a line of it is none of these.
 */
export async function knownExporter(file: string, address: string): Promise<KnownExporter | undefined> {
  for (const [index, line] of (await readLines(file)).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [name = "", fingerprint = "", ...more] = line.trim().split(/\s+/);
    const place = `${file}:${index + 1}`;
    const known = more.length === 0 ? readFingerprint(fingerprint) : undefined;
    if (known === undefined) {
      throw new JumpstarterError("config", `${place} is no line of known exporters`, {
        hint: "a line is HOST:PORT sha256:…; remove this one",
      });
    }
    if (name === address.toLowerCase()) return { fingerprint: known, place };
  }
  return undefined;
}

/**
 * Remembers an exporter.
 *
 * @throws {JumpstarterError} `config` when the file cannot be written.
 */
export async function rememberExporter(file: string, address: string, fingerprint: string): Promise<void> {
  try {
    // A directory that is there may be for more than this.
    await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // One write at the end of the file, so that two who remember at once leave two lines.
    await Deno.writeTextFile(file, `${address.toLowerCase()} ${fingerprint}\n`, { append: true, mode: 0o600 });
  } catch (cause) {
    throw fileError(`Cannot write ${file}`, cause);
  }
}

async function readLines(file: string): Promise<string[]> {
  try {
    const { size, isFile } = await Deno.stat(file);
    if (!isFile || size > maxBytes) throw new Error(isFile ? "it is too long" : "it is no file");
    return (await Deno.readTextFile(file)).split("\n");
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw fileError(`Cannot read ${file}`, cause);
  }
}

function readFingerprint(text: string): string | undefined {
  try {
    return parseFingerprint(text);
  } catch {
    return undefined;
  }
}
