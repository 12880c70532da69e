/** What the tests of storages share: storages to try, and short ways to use them. It loads nothing of a server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ErrorCode, JumpstarterError } from "../../src/errors.ts";
import { openFsStorage } from "./fs_storage.ts";
import { MemoryStorage } from "./memory_storage.ts";
import type { Storage } from "./storage.ts";
import { parsePath } from "./storage_path.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** Never fires. */
export const calm: AbortSignal = new AbortController().signal;

/** A folder that goes with its scope. Where the temporary directory is a link, it is the folder's real path. */
export async function openFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "opendal-test-" }));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** What a folder has in it at any depth, directories with a `/` at their end. */
export async function treeOf(path: string, above = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    found.push(above + name + (isDirectory ? "/" : ""));
    if (isDirectory) found.push(...await treeOf(join(path, name), `${above}${name}/`));
  }
  return found.sort();
}

/** A storage under test, with paths as texts. */
export class Bench implements AsyncDisposable {
  readonly storage: Required<Storage>;
  readonly #end: () => Promise<void>;

  constructor(storage: Storage, end: () => Promise<void> = () => Promise.resolve()) {
    this.storage = storage as Required<Storage>;
    this.#end = end;
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    await using writer = await this.storage.openWriter(parsePath(path), calm);
    await writer.write(typeof content === "string" ? bytes(content) : content);
    await writer.commit();
  }

  async read(path: string, offset = 0): Promise<string> {
    await using reader = await this.storage.openReader(parsePath(path), calm);
    const chunks = await Array.fromAsync(reader.read(offset, calm));
    return text(new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer()));
  }

  /** `file 5`, `directory`, or the code of the error. */
  async look(path: string): Promise<string> {
    try {
      const { kind, size } = await this.storage.stat(parsePath(path), calm);
      return kind === "file" ? `file ${size}` : kind;
    } catch (error) {
      return (error as JumpstarterError).code;
    }
  }

  async list(path: string, isRecursive = false): Promise<string[]> {
    return (await Array.fromAsync(this.storage.list(parsePath(path), isRecursive, calm))).sort();
  }

  async do(name: "createDir" | "delete" | "removeAll", path: string): Promise<void> {
    await this.storage[name](parsePath(path), calm);
  }

  async move(name: "copy" | "rename", source: string, target: string): Promise<void> {
    await this.storage[name](parsePath(source), parsePath(target), calm);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    await this.#end();
  }
}

/** Opens an empty storage of each kind. */
export const openers: Readonly<Record<string, () => Promise<Bench>>> = {
  fs: () => openFsBench(),
  "fs by path": () => openFsBench(false),
  memory: () => Promise.resolve(new Bench(new MemoryStorage())),
};

async function openFsBench(isHeld?: boolean): Promise<Bench> {
  const folder = await openFolder();
  return new Bench(await openFsStorage(folder.path, isHeld), async () => await folder[Symbol.asyncDispose]());
}

/** Asserts that a promise fails with a code, and answers the message. */
export async function failsWith(code: ErrorCode, promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => assert.fail(`it did not fail with ${code}`), (error: unknown) => error);
  assert.equal((error as JumpstarterError).code, code, String(error));
  return (error as JumpstarterError).message;
}
