/**
 * The files that a user names on a command line: a path, `-` for the terminal's own streams, or a URL. Commands that
 * take a file open it here, so that all of them understand the same names, show progress, and leave no part behind.
 */
import { AtomicFile, writeWhole } from "../atomic_file.ts";
import { type Encoding, encodingOfName, encodings, isEncoding } from "../encoding.ts";
import { JumpstarterError } from "../errors.ts";
import { fileStream } from "../file_stream.ts";
import { openFile } from "../open_file.ts";
import { openRemoteSink, openRemoteSource, parseFileUrl } from "../remote_file.ts";
import type { CommandContext, CommandInput, CommandOption } from "./client_definition.ts";
import type { RemoteFile, TransferOptions } from "./driver_client.ts";

/** What the user named, ready for {@linkcode DriverClient.upload}. Disposing of it closes what was not used. */
export interface CommandSource extends AsyncDisposable {
  /** The bytes as they are in the file, or a request that the exporter fetches by itself. */
  readonly source: ReadableStream<Uint8Array> | RemoteFile;
  /** How to send them. */
  readonly options: TransferOptions;
}

/** What the user named, ready for {@linkcode DriverClient.download}. Disposing of it discards what is not complete. */
export interface CommandSink extends AsyncDisposable {
  /** Where the bytes go, or a request by which the exporter puts them by itself. */
  readonly sink: WritableStream<Uint8Array> | RemoteFile;
  /** How to receive them. */
  readonly options: TransferOptions;
}

/** How a file that the user named is compressed. */
export interface CommandFileOptions {
  /** The encoding that the file has, and the driver is not to see; none by default. */
  readonly compression?: Encoding;
  /** How many bytes there will be, for the progress; known by itself of files that are read. */
  readonly totalBytes?: number;
}

/** How standard input and output are named; a path to the file behind one would replace that, or mean another process's. */
const standardNames = {
  input: ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"],
  output: ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"],
};

/** The option by which the user says how a file is compressed, for {@linkcode chosenCompression}. */
export const compressionOption: CommandOption = {
  name: "compression",
  type: "string",
  choices: [...encodings, "none"],
  summary: "How the file is compressed; its name says it by default (.gz, .xz, .bz2, .zst)",
};

/** The compression of a file: what the user said by {@linkcode compressionOption}, else what the file's name says. */
export function chosenCompression(name: string, { options }: CommandInput): Encoding | undefined {
  const { compression } = options;
  if (compression !== undefined) return isEncoding(compression) ? compression : undefined;
  return encodingOfName(parseFileUrl(name)?.pathname ?? name);
}

/**
 * Opens the file that a user named, for reading: a path from the user's own directory, `-` for standard input, or a
 * URL. The exporter fetches a URL by itself, unless the file behind it is compressed.
 *
 * @throws {JumpstarterError} `config` when there is no such file, `unavailable` when a URL's server does not answer.
 */
export async function openCommandSource(
  name: string,
  context: CommandContext,
  { compression, totalBytes }: CommandFileOptions = {},
): Promise<CommandSource> {
  const { signal } = context;
  const url = parseFileUrl(name);
  if (url !== undefined && compression === undefined) {
    return { source: { url: name }, options: { signal }, ...unopened };
  }
  const isStandard = standardNames.input.includes(name);
  const { bytes, ...opened } = url !== undefined
    // The file as it is stored, and not as a server packs it for the way.
    ? await openRemoteSource({ url, method: "GET", headers: { "accept-encoding": "identity" } }, { signal })
    : isStandard
    ? { bytes: context.stdin }
    : await readFile(name, context);
  const total = totalBytes ?? opened.totalBytes;
  return {
    source: bytes,
    options: { signal, compression, onProgress: (count) => context.progress(count, total) },
    [Symbol.asyncDispose]: async () => {
      if (!isStandard && !bytes.locked) await bytes.cancel();
    },
  };
}

/**
 * Opens the file that a user named, for writing: a path from the user's own directory, `-` for standard output, or a
 * URL that the file is put to. A file on disk takes its name only when it is complete.
 *
 * @throws {JumpstarterError} `config` when the file cannot be written.
 */
export async function openCommandSink(
  name: string,
  context: CommandContext,
  { compression, totalBytes }: CommandFileOptions = {},
): Promise<CommandSink> {
  const { signal } = context;
  const url = parseFileUrl(name);
  if (url !== undefined && compression === undefined) return { sink: { url: name }, options: { signal }, ...unopened };
  const sink = url !== undefined
    ? openRemoteSink({ url, method: "PUT", headers: {} }, { signal })
    : standardNames.output.includes(name)
    ? new WritableStream<Uint8Array>({ write: (bytes) => context.writeOut(bytes) })
    : await createFile(name, context);
  return {
    sink,
    options: { signal, compression, onProgress: (count) => context.progress(count, totalBytes) },
    [Symbol.asyncDispose]: async () => {
      if (!sink.locked) await sink.abort();
    },
  };
}

/** What the exporter fetches or puts has nothing open here. */
const unopened: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };

async function readFile(
  name: string,
  { path, signal }: CommandContext,
): Promise<{ bytes: ReadableStream<Uint8Array>; totalBytes?: number }> {
  const file = await openFile(path(name), { read: true }, signal).catch((cause) => {
    throw signal.aborted ? cause : unusable("read", name, cause);
  });
  const { isFile, isDirectory, size } = await file.stat();
  if (!isDirectory) return { bytes: fileStream(file), totalBytes: isFile ? size : undefined };
  file.close();
  throw unusable("read", name, new Deno.errors.IsADirectory());
}

async function createFile(name: string, { path, signal }: CommandContext): Promise<WritableStream<Uint8Array>> {
  const target = await openTarget(path(name), signal).catch((cause) => {
    throw signal.aborted ? cause : unusable("write", name, cause);
  });
  const fail = async (cause: unknown) => {
    await target[Symbol.asyncDispose](); // which a stream that has failed does not do
    throw unusable("write", name, cause);
  };
  return new WritableStream<Uint8Array>({
    write: (bytes) => target.write(bytes).catch(fail),
    close: () => target.commit().catch(fail),
    abort: () => target[Symbol.asyncDispose](),
  });
}

/** A device or a pipe is not replaced but written to. */
async function openTarget(
  path: string,
  signal: AbortSignal,
): Promise<Pick<AtomicFile, "write" | "commit" | typeof Symbol.asyncDispose>> {
  const found = await Deno.stat(path).catch(() => undefined); // what is wrong with it shows when it is opened
  if (found === undefined || found.isFile || found.isDirectory) return await AtomicFile.create(path);
  const file = await openFile(path, { write: true }, signal);
  return {
    // Not by `file.writable`, which keeps the last bytes back, and does not tell when they are not taken.
    write: (bytes) => writeWhole(file, bytes),
    async commit() {
      using _closed = file;
      if (found.isBlockDevice) await file.sync(); // a disk says only then that it has not taken all
    },
    [Symbol.asyncDispose]: () => Promise.try(() => file[Symbol.dispose]()),
  };
}

function unusable(verb: "read" | "write", name: string, cause: unknown): JumpstarterError {
  const reason = cause instanceof Deno.errors.NotFound
    ? verb === "read" ? "no such file" : "no such directory"
    : cause instanceof Deno.errors.IsADirectory
    ? "it is a directory"
    : cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new JumpstarterError("config", `cannot ${verb} "${name}": ${reason}`, { cause });
}
