import {
  type Command,
  type CommandInput,
  type CommandOption,
  compressionOption,
  type Encoding,
  openCommandSink,
  openCommandSource,
} from "../../src/driver/mod.ts";
import { isEncoding } from "../../src/encoding.ts";
import { JumpstarterError } from "../../src/errors.ts";
import type { Json } from "../../src/json.ts";
import type { OpendalClient } from "./opendal_client.ts";
import type { HashAlgorithm, PresignedRequest } from "./wire.ts";

const path = { name: "path", summary: "A path in the storage" };
const source = { name: "source", summary: "The path in the storage that is there" };
const target = { name: "target", summary: "The path in the storage that is to be" };
const local = "a path, - for the terminal, or a URL, which the exporter reaches by itself";

/** A file's own name says nothing here: an archive is stored as it is. */
const compression: CommandOption = {
  ...compressionOption,
  summary: "How the local file is compressed; the storage has it unpacked",
};

/** What `j` offers for a storage. */
export const opendalCommands: readonly Command<OpendalClient>[] = [
  {
    name: "write-bytes",
    summary: "Write a file from standard input",
    args: [path],
    run: (storage, input, context) => writeFrom("-", "path", storage, input, context),
  },
  {
    name: "read-bytes",
    summary: "Read a file to standard output",
    args: [path],
    run: (storage, input, context) => readInto("-", "path", storage, input, context),
  },
  {
    name: "write-from-path",
    summary: "Write a file from one of this machine",
    args: [{ name: "dst", summary: "The path in the storage" }, { name: "src", summary: `What to write: ${local}` }],
    options: [compression],
    run: (storage, input, context) => writeFrom(word(input, "src"), "dst", storage, input, context),
  },
  {
    name: "read-into-path",
    summary: "Read a file into one of this machine",
    args: [{ name: "src", summary: "The path in the storage" }, { name: "dst", summary: `Where to: ${local}` }],
    options: [compression],
    run: (storage, input, context) => readInto(word(input, "dst"), "src", storage, input, context),
  },
  {
    name: "stat",
    summary: "Tell of a file or a directory",
    method: "stat",
    args: [path],
    async run(storage, input, { signal }) {
      const { isFile, isDirectory, contentLength, ...rest } = await storage.stat(word(input, "path"), { signal });
      return {
        content_length: contentLength,
        content_type: rest.contentType ?? null,
        content_disposition: rest.contentDisposition ?? null,
        content_md5: rest.contentMd5 ?? null,
        etag: rest.etag ?? null,
        mode: { is_file: isFile, is_dir: isDirectory },
      };
    },
    text: indented,
  },
  {
    name: "hash",
    summary: "Hash a file's content, at the exporter",
    method: "hash",
    args: [path],
    options: [{
      name: "algo",
      type: "string",
      choices: ["sha256", "md5"],
      default: "sha256",
      summary: "Which hash",
    }],
    run: (storage, input, { signal }) =>
      storage.hash(word(input, "path"), input.options.algo as HashAlgorithm, { signal }),
  },
  {
    name: "copy",
    summary: "Copy a file",
    method: "copy",
    args: [source, target],
    run: (storage, input, { signal }) => storage.copy(word(input, "source"), word(input, "target"), { signal }),
  },
  {
    name: "rename",
    summary: "Give a file another name",
    method: "rename",
    args: [source, target],
    run: (storage, input, { signal }) => storage.rename(word(input, "source"), word(input, "target"), { signal }),
  },
  {
    name: "remove-all",
    summary: "Remove a file, or a directory with all that is in it",
    method: "remove_all",
    args: [path],
    run: (storage, input, { signal }) => storage.removeAll(word(input, "path"), { signal }),
  },
  {
    name: "create-dir",
    summary: "Make a directory, with those above it",
    method: "create_dir",
    args: [path],
    run: (storage, input, { signal }) => storage.createDir(word(input, "path"), { signal }),
  },
  {
    name: "delete",
    summary: "Remove a file or an empty directory",
    method: "delete",
    args: [path],
    run: (storage, input, { signal }) => storage.delete(word(input, "path"), { signal }),
  },
  {
    name: "exists",
    summary: "Say whether there is a file or a directory; exit code 1 when not",
    method: "exists",
    args: [path],
    async run(storage, input, { signal, setExitCode }) {
      const exists = await storage.exists(word(input, "path"), { signal });
      if (!exists) setExitCode(1);
      return exists;
    },
  },
  {
    name: "list",
    summary: "List a directory",
    method: "list",
    args: [path],
    run: (storage, input, { signal }) => storage.list(word(input, "path"), { signal }),
  },
  {
    name: "scan",
    summary: "List a directory with all that is beneath it",
    method: "scan",
    args: [path],
    run: (storage, input, { signal }) => storage.scan(word(input, "path"), { signal }),
  },
  presigning("presign-stat", "presign_stat", "tells of", (storage, ...args) => storage.presignStat(...args)),
  presigning("presign-read", "presign_read", "reads", (storage, ...args) => storage.presignRead(...args)),
  presigning("presign-write", "presign_write", "writes", (storage, ...args) => storage.presignWrite(...args)),
  {
    name: "capability",
    summary: "Say what the storage can do",
    method: "capability",
    run: async (storage, _input, { signal }) => ({ ...await storage.capability({ signal }) }),
    text: indented,
  },
];

type Run = Command<OpendalClient>["run"];

/** Writes the file that the argument `name` names from one that the user names. */
async function writeFrom(from: string, name: string, ...[storage, input, context]: Parameters<Run>): Promise<void> {
  await using opened = await openCommandSource(from, context, { compression: chosen(input) });
  await storage.write(word(input, name), opened.source, opened.options);
}

/** Reads the file that the argument `name` names into one that the user names. */
async function readInto(into: string, name: string, ...[storage, input, context]: Parameters<Run>): Promise<void> {
  const path = word(input, name);
  // For the progress alone: what is wrong with the file shows when it is opened.
  const found = await storage.stat(path, { signal: context.signal }).catch(() => undefined);
  const options = { compression: chosen(input), totalBytes: found?.contentLength };
  await using opened = await openCommandSink(into, context, options);
  await storage.read(path, opened.sink, opened.options);
}

function presigning(
  name: string,
  method: string,
  deed: string,
  presign: (
    storage: OpendalClient,
    path: string,
    seconds: number,
    options: { signal: AbortSignal },
  ) => Promise<PresignedRequest>,
): Command<OpendalClient> {
  return {
    name,
    summary: `Sign a request that ${deed} a file, for whoever is to make it`,
    method,
    args: [path],
    options: [{ name: "expire-second", type: "integer", min: 1, summary: "How long it holds, in seconds; needed" }],
    async run(storage, input, { signal }) {
      const seconds = input.options["expire-second"];
      if (typeof seconds !== "number") throw new JumpstarterError("usage", "--expire-second is missing");
      const { headers, ...request } = await presign(storage, word(input, "path"), seconds, { signal });
      return { ...request, headers: { ...headers } };
    },
    text: indented,
  };
}

function word({ args }: CommandInput, name: string): string {
  return String(args[name]);
}

function chosen({ options: { compression } }: CommandInput): Encoding | undefined {
  return isEncoding(compression) ? compression : undefined;
}

function indented(value: Json): string {
  return JSON.stringify(value, undefined, 2);
}
