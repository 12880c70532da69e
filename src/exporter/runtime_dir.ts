/** The directory of a running exporter: its sockets, its hooks' commands, its drivers' temporary files. */
import { join } from "node:path";
import { JumpstarterError } from "../errors.ts";
import { fitsSocket, isWindows, longestSocketPath } from "../platform.ts";
import { lockFile, openPrivateTempDir, reasonOf } from "../private_files.ts";
import { type RuntimePaths, runtimePaths } from "./runtime_paths.ts";

/** What an exporter keeps while it runs, in a directory that only this user can enter. */
export type RuntimeDir = RuntimePaths & AsyncDisposable & { readonly path: string };

/**
 * Makes the directory of an exporter, or takes one over that another run has left.
 *
 * @param runtimeDir A directory of the user's; one is made, and removed in the end, without it.
 * @throws {JumpstarterError} `listen` when another exporter runs in it; `config` when it is not this user's alone; `usage`
 * when its path is too long for a socket.
 */
export async function prepareRuntimeDir(
  { runtimeDir }: { readonly runtimeDir?: string },
): Promise<RuntimeDir> {
  await using begun = new AsyncDisposableStack();
  const dir = runtimeDir ?? begun.use(await openPrivateTempDir()).path;
  const paths = runtimePaths(dir);
  if (runtimeDir !== undefined) {
    assertShort(dir, paths.agentPath);
    begun.use(await lockDir(dir));
    begun.defer(() => Deno.remove(join(dir, lockFile)).catch(() => {/* it is gone */}));
    await Promise.all(removeAll(paths)).catch((cause) => { // those of a run that was killed
      const hint = "remove what is in it, or give another one";
      throw new JumpstarterError("config", `Cannot use the directory ${dir}: ${reasonOf(cause)}`, { hint, cause });
    });
    // What stays is for the next run in it, or for its user to be told of by that.
    begun.defer(async () => void await Promise.allSettled(removeAll(paths)));
  }
  for (const own of [paths.binDir, paths.workDir]) await Deno.mkdir(own, { mode: 0o700 });
  const owned = begun.move();
  return { ...paths, path: dir, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function removeAll({ binDir, workDir, motdFile, socketPath, agentPath }: RuntimePaths): Promise<void>[] {
  return [binDir, workDir, motdFile, socketPath, agentPath].map(async (own) => {
    try {
      await Deno.remove(own, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  });
}

function assertShort(dir: string, socketPath: string): void {
  if (fitsSocket(socketPath)) return;
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  const most = longestSocketPath - (bytes(socketPath) - bytes(dir));
  throw new JumpstarterError(
    "usage",
    `The path of the directory ${dir} is too long for a socket in it: ${bytes(dir)} bytes`,
    { hint: `give a directory whose path has at most ${most} bytes` },
  );
}

/** Has the directory to itself until the file that this answers is closed, which the system does at the latest. */
async function lockDir(dir: string): Promise<Deno.FsFile> {
  const path = join(dir, lockFile);
  const refuse = (code: "listen" | "config", message: string, hint: string, cause?: unknown) =>
    new JumpstarterError(code, message, { hint, cause });
  for (;;) {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
    } catch (cause) {
      throw refuse("config", `Cannot use the directory ${dir}: ${reasonOf(cause)}`, "give a directory of yours", cause);
    }
    try {
      if (!await file.tryLock(true)) {
        throw refuse("listen", `Another exporter runs in ${dir}`, "give each its own --runtime-dir");
      }
      const own = await file.stat();
      const { mode, uid } = await Deno.stat(dir);
      // Whoever can enter could put a socket of theirs in the place of the exporter's.
      if (!isWindows && (((mode ?? 0) & 0o077) !== 0 || uid !== own.uid)) {
        throw refuse("config", `Other users can enter the directory ${dir}`, `chmod 700 ${dir}, or give another one`);
      }
      // The one before may have removed the file since it was opened.
      if ((await Deno.stat(path).catch(() => undefined))?.ino === own.ino) return file;
      file.close();
    } catch (error) {
      file.close();
      throw error;
    }
  }
}
