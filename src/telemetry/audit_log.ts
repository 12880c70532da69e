import { writeWhole } from "../atomic_file.ts";
import { JumpstarterError } from "../errors.ts";
import { openFile } from "../open_file.ts";
import { reasonOf } from "../private_files.ts";
import type { DriverUse, ExporterEvent } from "../exporter_event.ts";
import type { AuditTarget, Watcher } from "./watcher.ts";

/** How much may wait for a file that does not take it; what comes then is lost. */
const maxWaitingBytes = 8 * 1024 * 1024;

/** How long a pipe may lack a reader when it is opened, and the last lines may take when the exporter ends. */
const usualPatienceMs = 5_000;

/**
 * A line of JSON for each connection, refusal, call and change of who holds the devices.
 *
 * @param patienceMs How long a pipe may lack a reader when it is opened, and the last lines may take in the end.
 * @throws {JumpstarterError} `config` when the file cannot be opened.
 */
export async function openAuditLog(
  target: AuditTarget,
  warn: (line: string) => void,
  patienceMs: number = usualPatienceMs,
): Promise<Watcher> {
  const bytes = new WeakMap<DriverUse, { toClient: number; fromClient: number }>();
  const lines = "file" in target ? await AuditFile.open(target.file, warn, patienceMs) : undefined;
  const write = "write" in target ? careful(target.write, warn) : (line: string) => lines?.write(line);
  let holder: { name: string; address: string } | undefined;
  const observe = (event: ExporterEvent): void => {
    if (event.kind === "bytes") {
      const sum = bytes.get(event.use) ?? { toClient: 0, fromClient: 0 };
      sum.toClient += event.toClient;
      sum.fromClient += event.fromClient;
      return void bytes.set(event.use, sum);
    }
    if (event.kind === "holds") {
      const { name, address } = event.holder ?? {};
      if (name === holder?.name && address === holder?.address) return;
      holder = event.holder;
    }
    const facts = describe(event, bytes);
    if (facts !== undefined) write(`${JSON.stringify({ time: new Date().toISOString(), ...facts })}\n`);
  };
  return {
    observe,
    reopen: async () => await lines?.reopen(),
    [Symbol.asyncDispose]: async () => await lines?.[Symbol.asyncDispose](),
  };
}

/** Writes what can be written, and says once that nothing can: what is told of goes on all the same. */
function careful(write: (line: string) => void, warn: (line: string) => void): (line: string) => void {
  let isFailing = false;
  return (line) => {
    try {
      write(line);
      isFailing = false;
    } catch (error) {
      if (!isFailing) warn(`Cannot write the audit log: ${error instanceof Error ? error.message : String(error)}`);
      isFailing = true;
    }
  };
}

/** What is written of an event; nothing of one that is no client's doing. */
function describe(
  event: ExporterEvent,
  bytes: WeakMap<DriverUse, { toClient: number; fromClient: number }>,
): Record<string, unknown> | undefined {
  switch (event.kind) {
    case "connected":
    case "disconnected": {
      const { client: { identity, address, since } } = event;
      const end = event.kind === "disconnected" ? { durationMs: Date.now() - since.getTime() } : {};
      return { event: event.kind, identity: identity ?? null, address, ...end };
    }
    case "refused": {
      const { identity, address, reason, untold } = event;
      return { event: event.kind, identity: identity ?? null, address, reason, untold };
    }
    case "useEnded": {
      const { use, code } = event;
      const { kind, driver, method, identity, address, isHook, since } = use;
      const durationMs = Date.now() - since.getTime();
      const who = { identity: identity ?? null, address, hook: isHook };
      return { event: kind, ...who, driver, method, code, durationMs, ...bytes.get(use) };
    }
    case "holds": {
      const { holder } = event;
      if (holder === undefined) return { event: "released" };
      return { event: "held", name: holder.name, address: holder.address };
    }
    default:
      return undefined;
  }
}

/** A file that lines are added to, each whole and in their order. */
class AuditFile implements AsyncDisposable {
  #file: Deno.FsFile;
  /** What takes its place after the write that is under way. */
  #next: Deno.FsFile | undefined;
  readonly #path: string;
  readonly #warn: (line: string) => void;
  readonly #patienceMs: number;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #isFailing = false;
  #isClosed = false;
  #writing: Promise<void> | undefined;

  private constructor(file: Deno.FsFile, path: string, warn: (line: string) => void, patienceMs: number) {
    this.#file = file;
    this.#path = path;
    this.#warn = warn;
    this.#patienceMs = patienceMs;
  }

  static async open(path: string, warn: (line: string) => void, patienceMs: number): Promise<AuditFile> {
    return new AuditFile(await openLog(path, patienceMs), path, warn, patienceMs);
  }

  async reopen(): Promise<void> {
    let file: Deno.FsFile;
    try {
      file = await openLog(this.#path, this.#patienceMs);
    } catch (error) {
      return this.#warn(`${error instanceof Error ? error.message : String(error)}; the one before goes on`);
    }
    if (this.#isClosed) return file.close();
    this.#next?.close();
    this.#next = file;
    if (this.#writing === undefined) this.#change();
  }

  write(line: string): void {
    if (this.#isClosed) return;
    const bytes = this.#encoder.encode(line);
    if (this.#waitingBytes + bytes.length > maxWaitingBytes) return void this.#lost++;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#writeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([this.#writing, new Promise<void>((resolve) => timer = setTimeout(resolve, this.#patienceMs))]);
    clearTimeout(timer);
    if (this.#writing) this.#warn(`The audit log ${this.#path} has not taken its last lines, which are missing`);
    this.#file.close();
    this.#next?.close();
  }

  #change(): void {
    if (this.#next === undefined) return;
    this.#file.close();
    this.#file = this.#next;
    this.#next = undefined;
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve(); // what is told in one turn is written in one piece
    while (this.#waiting.length > 0) {
      this.#change();
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        for (const line of lines) await writeWhole(this.#file, line);
        this.#works();
      } catch (error) {
        this.#fails(lines.length, error);
      }
    }
    this.#change();
    this.#writing = undefined; // in the same turn as the last look: what comes from now on begins anew
  }

  #fails(count: number, error: unknown): void {
    this.#lost += count;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#warn(`Cannot write the audit log ${this.#path}: ${error instanceof Error ? error.message : String(error)}`);
  }

  #works(): void {
    if (this.#lost > 0) this.#warn(`The audit log ${this.#path} is written again; ${this.#lost} lines are missing`);
    this.#isFailing = false;
    this.#lost = 0;
  }
}

async function openLog(path: string, patienceMs: number): Promise<Deno.FsFile> {
  const patience = AbortSignal.timeout(patienceMs);
  try {
    return await openFile(path, { append: true, create: true, mode: 0o600 }, patience);
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such directory"
      : cause === patience.reason
      ? "nobody reads that pipe"
      : reasonOf(cause);
    throw new JumpstarterError("config", `Cannot open the audit log ${path}: ${reason}`, {
      hint: "name a file that can be written, or - for standard output",
      cause,
    });
  }
}
