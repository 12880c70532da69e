import { z } from "zod";
import {
  call,
  callStream,
  defineDriver,
  type DriverDefinition,
  isFileArgument,
  type StartContext,
} from "../../src/driver/mod.ts";
import { withUserOfUrl } from "./http_storage.ts";
import type { Whence } from "./open_file.ts";
import { openStorage, permissionsOf } from "./open_storage.ts";
import { OpendalDevice } from "./opendal_device.ts";
import type { S3Options } from "./s3_settings.ts";
import { capabilityOf, type FileStat, type PresignMethod } from "./storage.ts";
import { parsePath } from "./storage_path.ts";

/** Null is no, as the Python implementation has it. */
const common = { remove_created_on_close: z.boolean().nullable().default(false).transform(Boolean) };

const webUrl = z.url({ protocol: /^https?$/, error: "not an http:// or https:// URL" });
/** Clients are shown the URL, in requests that are signed for them and in errors. */
const publicUrl = webUrl.refine((text) => {
  const url = URL.parse(text);
  return url === null || (url.username === "" && url.password === "");
}, "must not hold a user name or a password: those have keys of their own");
const httpSettings = z.strictObject({
  endpoint: webUrl,
  root: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  token: z.string().optional(),
}).transform((settings, context) => {
  try {
    return withUserOfUrl(settings);
  } catch {
    const message = "must have the % in its user name or password written as %25";
    context.addIssue({ code: "custom", path: ["endpoint"], message });
    return z.NEVER;
  }
});
/** All values of `kwargs` are texts, as in the Python implementation. */
const textFlag = z.string().toLowerCase().pipe(z.enum(["true", "on", "false", "off"])).default("false")
  .transform((text) => text === "true" || text === "on");
const left = (reason: string) => z.never(`must be left out: ${reason}`).optional();
const noRole = left('the exporter takes no role; give its keys, with "session_token"');
const noOwnKeys = left("the store has the keys of what it encrypts");

const s3Options = z.strictObject({
  bucket: z.string().min(1),
  endpoint: publicUrl.optional(),
  region: z.string().min(1).optional(),
  access_key_id: z.string().min(1).optional(),
  secret_access_key: z.string().min(1).optional(),
  session_token: z.string().optional(),
  root: z.string().optional(),
  enable_virtual_host_style: textFlag,
  allow_anonymous: textFlag,
  disable_config_load: textFlag,
  server_side_encryption: z.string().optional(),
  server_side_encryption_aws_kms_key_id: z.string().optional(),
  default_storage_class: z.string().optional(),
  enable_request_payer: textFlag,
  // What these tune in the Python implementation is not done here.
  disable_ec2_metadata: textFlag,
  disable_stat_with_override: textFlag,
  disable_write_with_if_match: textFlag,
  enable_versioning: textFlag,
  enable_write_with_append: textFlag,
  batch_max_operations: z.string().optional(),
  delete_max_size: z.string().optional(),
  // What these ask for cannot be had.
  disable_list_objects_v2: textFlag.refine((isOn) => !isOn, 'must be "false": there is no other way to list here'),
  checksum_algorithm: left("requests are signed with the SHA-256 of what they hold"),
  role_arn: noRole,
  external_id: noRole,
  role_session_name: noRole,
  server_side_encryption_customer_algorithm: noOwnKeys,
  server_side_encryption_customer_key: noOwnKeys,
  server_side_encryption_customer_key_md5: noOwnKeys,
}).refine(hasCredentials, 'wants "access_key_id" and "secret_access_key", or "allow_anonymous" to be "true"');

/** They come whole: from the config, or from the environment where that may be asked. */
function hasCredentials(
  { access_key_id: id, secret_access_key: secret, allow_anonymous, disable_config_load }: Partial<S3Options>,
): boolean {
  if (allow_anonymous) return true;
  return id === undefined && secret === undefined ? !disable_config_load : id !== undefined && secret !== undefined;
}

const config = z.discriminatedUnion("scheme", [
  z.strictObject({
    scheme: z.literal("fs"),
    // Files are always written beside their targets; the second key is for configs of the Python implementation.
    kwargs: z.strictObject({ root: z.string().min(1), atomic_write_dir: z.string().optional() }),
    ...common,
  }),
  z.strictObject({
    scheme: z.literal(["http", "https"]),
    kwargs: httpSettings,
    ...common,
  }),
  z.strictObject({
    scheme: z.literal("s3"),
    kwargs: s3Options,
    ...common,
  }),
  z.strictObject({
    scheme: z.literal("memory"),
    kwargs: z.strictObject({ root: z.string().optional() }).default({}),
    ...common,
  }),
]);

type OpendalConfig = z.infer<typeof config>;

const path = z.string();
const file = z.uuid();
const resource = z.custom(isFileArgument, "must stand for a file");
const pathArgs = z.tuple([path]);
const twoPaths = z.tuple([path, path]);
const fileArgs = z.tuple([file]);
const presignArgs = z.tuple([path, z.int()]);

const presign = (method: PresignMethod, summary: string) =>
  call({
    summary,
    args: presignArgs,
    run: async (device: OpendalDevice, [path, seconds]) => {
      const { headers, ...request } = await device.presign(method, parsePath(path), seconds);
      return { ...request, headers: { ...headers } };
    },
  });

/** Files in a directory, in memory, behind a web server or in an object store. */
export const opendal: DriverDefinition = defineDriver<OpendalConfig, OpendalDevice>({
  type: "jumpstarter_driver_opendal.driver.Opendal",
  client: "jumpstarter_driver_opendal.client.OpendalClient",
  summary: "A storage for files",
  config,
  permissions: permissionsOf,
  start: async (settings, { log }: StartContext) =>
    new OpendalDevice({
      scheme: settings.scheme,
      storage: await openStorage(settings, (message) => log.warning(message)),
      removesCreated: settings.remove_created_on_close,
      log,
    }),
  concurrent: true, // an open file keeps its own order
  methods: {
    open: call({
      summary: "Open a file",
      args: z.tuple([path, z.enum(["rb", "wb"])]),
      run: (device: OpendalDevice, [path, mode], context) => device.open(parsePath(path), mode, context),
    }),
    file_read: call({
      summary: "Read what is left of an open file",
      args: z.tuple([file, resource]),
      run: ({ files }: OpendalDevice, [fd, target], context) =>
        files.readable(fd).read(() => context.openSink(target), context.signal),
    }),
    file_write: call({
      summary: "Append to an open file",
      args: z.tuple([file, resource]),
      run: ({ files }: OpendalDevice, [fd, source], context) =>
        files.writable(fd).write(() => context.openSource(source), context.signal),
    }),
    file_seek: call({
      summary: "Move to a position of an open file",
      args: z.tuple([file, z.int(), z.literal([0, 1, 2]).default(0)]),
      run: ({ files }: OpendalDevice, [fd, position, whence]) => files.readable(fd).seek(position, whence as Whence),
    }),
    file_tell: call({
      summary: "Tell the position in an open file",
      args: fileArgs,
      run: ({ files }: OpendalDevice, [fd]) => files.readable(fd).position,
    }),
    file_close: call({
      summary: "Close a file; one that was written takes its place then",
      args: fileArgs,
      run: ({ files }: OpendalDevice, [fd]) => files.file(fd).close(),
    }),
    file_abort: call({
      summary: "Close a file, and keep nothing of what was written",
      args: fileArgs,
      run: async ({ files }: OpendalDevice, [fd]) => void await files.file(fd).discard(),
    }),
    file_closed: call({
      summary: "Say whether a file is closed",
      args: fileArgs,
      run: ({ files }: OpendalDevice, [fd]) => files.file(fd).isClosed,
    }),
    file_readable: call({
      summary: "Say whether a file is open for reading",
      args: fileArgs,
      run: ({ files }: OpendalDevice, [fd]) => files.file(fd).isReadable,
    }),
    file_seekable: call({
      summary: "Say whether a file has a position",
      args: fileArgs,
      run: ({ files }: OpendalDevice, [fd]) => files.file(fd).isReadable,
    }),
    file_writable: call({
      summary: "Say whether a file is open for writing",
      args: fileArgs,
      run: ({ files }: OpendalDevice, [fd]) => files.file(fd).isWritable,
    }),
    stat: call({
      summary: "Tell of a file or a directory",
      args: pathArgs,
      run: async ({ storage }: OpendalDevice, [path], { signal }) =>
        toMetadata(await storage.stat(parsePath(path), signal)),
    }),
    hash: call({
      summary: "Hash a file's content",
      args: z.tuple([path, z.enum(["md5", "sha256"]).default("sha256")]),
      run: (device: OpendalDevice, [path, algorithm], { signal }) => device.hash(parsePath(path), algorithm, signal),
    }),
    copy: call({
      summary: "Copy a file",
      args: twoPaths,
      run: (device: OpendalDevice, [from, to], { signal }) => device.copy(parsePath(from), parsePath(to), signal),
    }),
    rename: call({
      summary: "Give a file another name",
      args: twoPaths,
      run: (device: OpendalDevice, [from, to], { signal }) => device.rename(parsePath(from), parsePath(to), signal),
    }),
    remove_all: call({
      summary: "Remove a file, or a directory with all that is in it",
      args: pathArgs,
      run: (device: OpendalDevice, [path], { signal }) => device.removeAll(parsePath(path), signal),
    }),
    create_dir: call({
      summary: "Make a directory, with those above it",
      args: pathArgs,
      run: (device: OpendalDevice, [path], { signal }) => device.createDir(parsePath(path), signal),
    }),
    delete: call({
      summary: "Remove a file or an empty directory",
      args: pathArgs,
      run: (device: OpendalDevice, [path], { signal }) => device.delete(parsePath(path), signal),
    }),
    exists: call({
      summary: "Say whether there is a file or a directory",
      args: pathArgs,
      run: (device: OpendalDevice, [path], { signal }) => device.exists(parsePath(path), signal),
    }),
    list: callStream({
      summary: "List a directory",
      args: pathArgs,
      run: (device: OpendalDevice, [path], { signal }) => device.list(parsePath(path), false, signal),
    }),
    scan: callStream({
      summary: "List a directory with all that is beneath it",
      args: pathArgs,
      run: (device: OpendalDevice, [path], { signal }) => device.list(parsePath(path), true, signal),
    }),
    presign_stat: presign("HEAD", "Sign a request that tells of a file"),
    presign_read: presign("GET", "Sign a request that reads a file"),
    presign_write: presign("PUT", "Sign a request that writes a file"),
    capability: call({
      summary: "Say what the storage can do",
      run: ({ storage }: OpendalDevice) => capabilityOf(storage),
    }),
    get_created_resources: call({
      summary: "Name what was made since the exporter started",
      run: (device: OpendalDevice) => device.created,
    }),
    register_path: call({
      summary: "Count a path among what was made",
      args: pathArgs,
      run: (device: OpendalDevice, [path]) => device.register(parsePath(path)),
    }),
  },
});

/** In the form that clients of the Python implementation read. */
function toMetadata({ kind, size, contentType, contentDisposition, contentMd5, etag }: FileStat) {
  return {
    mode: { entry_is_file: kind === "file", entry_is_dir: kind === "directory" },
    content_length: size,
    content_type: contentType ?? null,
    content_disposition: contentDisposition ?? null,
    content_md5: contentMd5 ?? null,
    etag: etag ?? null,
  };
}
