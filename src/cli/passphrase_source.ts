import { JMP_GRPC_PASSPHRASE } from "../env.ts";
import { JumpstarterError } from "../errors.ts";
import { isWindows } from "../platform.ts";
import { assertPassphrase } from "../passphrase.ts";
import { fileError } from "../private_files.ts";

/** The options that give a passphrase, as commander names them. */
export interface PassphraseOptions {
  passphrase?: string;
  passphraseFile?: string;
}

/** The most that a file with a passphrase may hold; what is longer is some other file. */
const maxFileBytes = 4_096;

/**
 * The passphrase of the options, else of the environment; an empty one is refused, never taken for none.
 *
 * @throws {JumpstarterError} `usage` when it cannot be used, or is given twice; `config` when its file cannot be read.
 */
export async function choosePassphrase(
  { passphrase, passphraseFile }: PassphraseOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (passphrase !== undefined && passphraseFile !== undefined) {
    throw new JumpstarterError("usage", "--passphrase and --passphrase-file both give a passphrase", {
      hint: "leave one of them out",
    });
  }
  const chosen = passphraseFile === undefined ? passphrase ?? env[JMP_GRPC_PASSPHRASE] : await readFile(passphraseFile);
  if (chosen !== undefined) assertPassphrase(chosen);
  return chosen;
}

/** Whether other users of this machine can read the file of a passphrase. */
export async function isOpenToOthers(file: string): Promise<boolean> {
  if (isWindows) return false;
  const { mode, isFile } = await Deno.stat(file);
  return isFile && ((mode ?? 0) & 0o077) !== 0;
}

/** A file's first line; an editor's line end is no part of it. */
async function readFile(path: string): Promise<string> {
  const what = `Cannot read --passphrase-file ${path}`;
  const buffer = new Uint8Array(maxFileBytes + 1);
  let length = 0;
  try {
    using file = await Deno.open(path);
    // A pipe gives it in parts.
    for (let count: number | null = 0; count !== null && length < buffer.length; length += count ?? 0) {
      count = await file.read(buffer.subarray(length));
    }
  } catch (cause) {
    throw fileError(what, cause);
  }
  const text = new TextDecoder().decode(buffer.subarray(0, length)).replace(/\r?\n$/, "");
  if (length <= maxFileBytes) return text;
  throw new JumpstarterError("config", `${what}: it is too long`, { hint: "it holds the passphrase and nothing else" });
}
