/**
 * Files and directories that only the user of this program can enter: its keys, its sockets, what it remembers.
 * Windows has no such modes; there the user's own folders are private by themselves.
 *
 * @module
 */
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AtomicFile } from "./atomic_file.ts";
import { JumpstarterError } from "./errors.ts";
import { fitsSocket, isWindows } from "./platform.ts";

/**
 * Makes a directory that only this user can enter, with what is missing above it; one that is there is closed to
 * others.
 *
 * @throws {JumpstarterError} `config` when it cannot be made, or belongs to somebody else.
 */
export async function ensurePrivateDir(path: string): Promise<void> {
  const refuse = (reason: string, cause?: unknown) =>
    new JumpstarterError("config", `Cannot keep private files in ${path}: ${reason}`, {
      hint: "set XDG_STATE_HOME to a folder of this user",
      cause,
    });
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    if (isWindows) return;
    const { uid, mode } = await Deno.stat(path);
    if (uid !== Deno.uid()) throw refuse("it belongs to another user");
    if (((mode ?? 0) & 0o077) !== 0) await Deno.chmod(path, 0o700);
  } catch (cause) {
    if (cause instanceof JumpstarterError) throw cause;
    throw refuse(reasonOf(cause), cause);
  }
}

/** Writes a file that only this user can read: whoever reads it meanwhile sees the old text or the new one. */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  await using file = await AtomicFile.create(path, { mode: 0o600 });
  await file.write(new TextEncoder().encode(text));
  await file.commit();
}

/**
 * The same for a file that is not there yet; one that is stays as it is.
 *
 * @returns Whether this text was written: of many who try at once, one does.
 */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  const draft = await Deno.makeTempFile({ dir: dirname(path), prefix: ".new-" }); // mode 0600, by its own rule
  try {
    await Deno.writeTextFile(draft, text);
    await Deno.link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  } finally {
    await Deno.remove(draft);
  }
}

/**
 * Reads a file that must be closed to others; nothing when there is none.
 *
 * @throws {JumpstarterError} `config` when others can read it, or it cannot be read.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const { mode } = await Deno.stat(path);
    if (!isWindows && ((mode ?? 0) & 0o077) !== 0) {
      const shown = ((mode ?? 0) & 0o777).toString(8).padStart(4, "0");
      throw new JumpstarterError(
        "config",
        `Other users can read ${path} (mode ${shown}), so it is no secret any more`,
        {
          hint: "remove it to have a new one made, or chmod it to 0600 when you know that nobody has read it",
        },
      );
    }
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof JumpstarterError) throw cause;
    throw fileError(`Cannot read ${path}`, cause);
  }
}

/** The error of a file that the operating system refused: `what` says which, and what it was wanted for. */
export function fileError(what: string, cause: unknown): JumpstarterError {
  const isDenied = cause instanceof Deno.errors.PermissionDenied;
  return new JumpstarterError("config", `${what}: ${reasonOf(cause)}`, {
    hint: isDenied ? "look at the permissions of the file and of its folder" : "check the path",
    cause,
  });
}

/** Why the operating system refused a file, in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** How the names of all directories for temporary files begin. */
export const tempDirPrefix = "jumpstarter-";

/** The file in each of them that its owner has locked for as long as it uses the directory. */
export const ownerFile = "owner";

/** The file that an exporter has locked in the directory that it was given to run in, which may be one of them. */
export const lockFile = "lock";

/** A directory for temporary files, until it is disposed of. */
export interface PrivateTempDir extends AsyncDisposable {
  readonly path: string;
}

/** The longest path that a socket has in the place where such directories are made. */
const longestSocket = `${tempDirPrefix}local-0123456789abcdef/exporter.sock`;

/**
 * Where directories for temporary files are made: where the system says, and else, where that place is of no use, in
 * the one that is for sockets.
 */
export function tempParents(): string[] {
  return isWindows ? [tmpdir()] : [...new Set([tmpdir(), Deno.env.get("XDG_RUNTIME_DIR") || "/tmp"])];
}

/** The first of them whose path is not too long for the sockets in such a directory. */
export function tempParent(): string {
  return tempParents().find((parent) => fitsSocket(join(parent, longestSocket))) ?? tmpdir();
}

/**
 * Makes a directory for temporary files that only this user can enter, by a name that nobody can guess. The next
 * program of this user removes it, should this one be killed.
 *
 * @param what What it is for, as a part of its name.
 * @param parent Where it is made; where there can be sockets in it by default.
 * @throws {JumpstarterError} `config` when that place is missing or closed.
 */
export async function openPrivateTempDir(what = "", parent = tempParent()): Promise<PrivateTempDir> {
  await using begun = new AsyncDisposableStack();
  try {
    const path = await Deno.makeTempDir({ dir: parent, prefix: `${tempDirPrefix}${what}` });
    begun.defer(() => removeTempDir(path).catch(() => {/* it is gone, or the next program removes it */}));
    // Closed before that, since Windows removes nothing that is open.
    const owner = begun.use(await Deno.open(join(path, ownerFile), { write: true, createNew: true, mode: 0o600 }));
    await owner.lock(true);
    await owner.write(new TextEncoder().encode(`${Deno.pid}\n`)); // for people; a program asks for the lock
    const owned = begun.move();
    return { path, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound ? "there is no such directory" : reasonOf(cause);
    throw new JumpstarterError("config", `Cannot make temporary files in ${parent}: ${reason}`, {
      hint: "set TMPDIR to a directory that this user can write",
      cause,
    });
  }
}

/** Removes such a directory, and last what says whose it was: one that resists can be known for what it is. */
export async function removeTempDir(path: string): Promise<void> {
  for await (const { name } of Deno.readDir(path)) {
    if (name !== ownerFile) await Deno.remove(join(path, name), { recursive: true });
  }
  await Deno.remove(path, { recursive: true });
}
