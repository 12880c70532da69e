/**
 * What differs from one operating system to another for more than one part of the program.
 *
 * @module
 */

/** Whether this is Windows: no modes of files, no groups of processes, no Unix sockets, few signals. */
export const isWindows: boolean = Deno.build.os === "windows";

/** What stands between the folders of a search path. */
export const pathDelimiter: string = isWindows ? ";" : ":";

/** The signals that Windows has: for ctrl-C, and for a console that is closed. */
const windowsSignals: readonly Deno.Signal[] = ["SIGINT", "SIGHUP"];

/** How long a signal may be under way to its listener, in milliseconds. */
const underWayMs = 1_000;

/** Listens for those of the signals that this system has, until disposed of; `listener` is told which has come. */
export function onSignals<Name extends Deno.Signal>(
  names: readonly Name[],
  listener: (name: Name) => void,
): Disposable {
  let isOver = false;
  const listeners = names.filter((name) => !isWindows || windowsSignals.includes(name))
    .map((name) => ({ name, heard: () => isOver || listener(name) }));
  for (const { name, heard } of listeners) Deno.addSignalListener(name, heard);
  return {
    [Symbol.dispose]() {
      isOver = true;
      // The ctrl-C that has ended a command comes to this program as well, perhaps only now: without any listener it
      // would be this program's own end. No `setTimeout`, which would load a part of Node's.
      AbortSignal.timeout(underWayMs).addEventListener("abort", () => {
        for (const { name, heard } of listeners) Deno.removeSignalListener(name, heard);
      });
    },
  };
}

/** Whether a signal comes to the children of this process by itself: ctrl-C of a terminal, and all of Windows's. */
export function reachesChildren(name: Deno.Signal, isOnTerminal: boolean): boolean {
  return isWindows || (name === "SIGINT" && isOnTerminal);
}

/** How many bytes the path of a Unix socket may have. */
export const longestSocketPath: number = Deno.build.os === "darwin" ? 103 : 107;

/** Whether a socket can be at a path; the named pipes of Windows have no such limit. */
export function fitsSocket(path: string): boolean {
  return isWindows || new TextEncoder().encode(path).length <= longestSocketPath;
}

/** The name of the search path among variables: Windows spells it `Path` and knows no case in names. */
export function pathNameIn(env: Readonly<Record<string, unknown>>): string {
  const known = isWindows ? Object.keys(env).find((name) => name.toUpperCase() === "PATH") : undefined;
  return known ?? "PATH";
}

/** The folder of the user; nothing when the variables name none. */
export function homeDir(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.HOME || env.USERPROFILE || undefined;
}

/**
 * Where to listen so that only this user can connect: a Unix socket at `path`, in a directory that nobody else can
 * enter; on Windows the named pipe of that name.
 */
export function privateSocket(path: string): string {
  return isWindows ? `\\\\.\\pipe\\${path.replaceAll(/[\\/:]+/g, "-")}` : path;
}
