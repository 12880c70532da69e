import { isIP } from "node:net";
import type { Permission } from "../../src/permission.ts";
import { openFsStorage } from "./fs_storage.ts";
import { type HttpSettings, HttpStorage } from "./http_storage.ts";
import { MemoryStorage } from "./memory_storage.ts";
import { bucketUrl } from "./s3_bucket.ts";
import { type S3Options, toS3Settings, variablesOf, withEnvironment } from "./s3_settings.ts";
import { S3Storage } from "./s3_storage.ts";
import type { Storage } from "./storage.ts";

/** Where files are kept, as a config says it. */
export type StorageSettings =
  | { readonly scheme: "fs"; readonly kwargs: { readonly root: string } }
  | { readonly scheme: "http" | "https"; readonly kwargs: HttpSettings }
  | { readonly scheme: "s3"; readonly kwargs: S3Options }
  | { readonly scheme: "memory" };

/**
 * Opens a storage.
 *
 * @param warn Told what is left behind in it.
 */
export async function openStorage(settings: StorageSettings, warn: (message: string) => void): Promise<Storage> {
  switch (settings.scheme) {
    case "fs":
      return await openFsStorage(settings.kwargs.root);
    case "http":
    case "https":
      return new HttpStorage(settings.kwargs);
    case "s3":
      return new S3Storage(toS3Settings(settings.kwargs), settings.kwargs.root, warn);
    case "memory":
      return new MemoryStorage();
  }
}

/** What a storage needs to be opened and used. */
export function permissionsOf(settings: StorageSettings): Permission[] {
  switch (settings.scheme) {
    case "fs":
      return [{ kind: "read", of: settings.kwargs.root }, { kind: "write", of: settings.kwargs.root }];
    case "http":
    case "https":
      return [reaching(new URL(settings.kwargs.endpoint))];
    case "s3":
      return s3Permissions(settings.kwargs);
    case "memory":
      return [];
  }
}

function s3Permissions(options: S3Options): Permission[] {
  const { bucket, endpoint, region, enable_virtual_host_style: isVirtualHost } = withEnvironment(options);
  const isPlaced = endpoint !== undefined || region !== undefined;
  return [
    ...(isPlaced ? [reaching(bucketUrl({ bucket, endpoint, region, isVirtualHost }))] : []),
    ...Object.values(variablesOf(options)).map((of) => ({ kind: "env", of }) as const),
  ];
}

/** What reaching a server needs; a name is looked up too, which Deno takes for access to all of the host's ports. */
function reaching({ protocol, hostname, port }: URL): Permission {
  const host = hostname.replace(/^\[|\]$/g, "");
  return { kind: "net", of: isIP(host) ? `${hostname}:${port || (protocol === "https:" ? 443 : 80)}` : host };
}
