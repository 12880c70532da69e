/**
 * The clients of storage that is switched between the exporter and a device.
 *
 * @example
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { StorageMuxFlasherClient } from "@jumpstarter/cli/storage_mux";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const sdcard = exporter.driver("sdcard", StorageMuxFlasherClient);
 * await sdcard.flash({ url: "https://images.example.com/disk.img" });
 * ```
 *
 * @module
 */
import {
  type CallOptions,
  type ClientDefinition,
  type Command,
  defineClient,
  DriverClient,
  flashCommands,
  type FlashOptions,
  type ImageReport,
  openCommandSource,
  parseImageReport,
  type RemoteFile,
  type TransferOptions,
} from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";

/** How long the storage may take to go back to the device, in milliseconds. */
const switchTimeoutMs = 60_000;

/** Switches storage between the exporter and the device, and writes and reads it while the exporter has it. */
export class StorageMuxClient extends DriverClient {
  /** Connects the storage to the exporter. */
  async host(options?: CallOptions): Promise<void> {
    await this.call("host", [], options);
  }

  /** Connects the storage to the device. */
  async dut(options?: CallOptions): Promise<void> {
    await this.call("dut", [], options);
  }

  /** Disconnects the storage. */
  async off(options?: CallOptions): Promise<void> {
    await this.call("off", [], options);
  }

  /**
   * Writes the storage, which the exporter must have.
   *
   * @returns What was written, where the exporter says so.
   */
  async write(
    source: ReadableStream<Uint8Array> | RemoteFile,
    options?: TransferOptions,
  ): Promise<ImageReport | undefined> {
    return parseImageReport(await this.upload("write", source, undefined, options));
  }

  /**
   * Reads the storage, which the exporter must have.
   *
   * @returns What was read, where the exporter says so.
   */
  async read(
    sink: WritableStream<Uint8Array> | RemoteFile,
    options?: TransferOptions,
  ): Promise<ImageReport | undefined> {
    return parseImageReport(await this.download("read", sink, undefined, options));
  }
}

/** Writes and reads the image that a device finds on its storage. */
export class StorageMuxFlasherClient extends StorageMuxClient {
  /**
   * Takes the storage from the device, writes an image to it, and gives it back, however that went.
   *
   * @throws {JumpstarterError} `usage` for a target: the storage is written as a whole.
   */
  flash(
    source: ReadableStream<Uint8Array> | RemoteFile,
    { target, ...options }: FlashOptions = {},
  ): Promise<ImageReport | undefined> {
    return this.#withStorage(target, options, () => this.write(source, options));
  }

  /**
   * Takes the storage from the device, reads its image, and gives it back, however that went.
   *
   * @throws {JumpstarterError} `usage` for a target: the storage is read as a whole.
   */
  dump(
    sink: WritableStream<Uint8Array> | RemoteFile,
    { target, ...options }: FlashOptions = {},
  ): Promise<ImageReport | undefined> {
    return this.#withStorage(target, options, () => this.read(sink, options));
  }

  async #withStorage<T>(
    target: string | undefined,
    { signal, timeoutMs }: CallOptions,
    use: () => Promise<T>,
  ): Promise<T> {
    if (target !== undefined) {
      throw new JumpstarterError("usage", `there is no target "${target}": the storage is one piece`);
    }
    await this.host({ signal, timeoutMs });
    // Also for a user who has given up: the device is not to be left without its storage.
    const giveBack = () => this.dut({ timeoutMs: switchTimeoutMs });
    const result = await use().catch(async (error) => {
      await giveBack().catch((late) => {
        throw notBack(error, late);
      });
      throw error;
    });
    await giveBack();
    return result;
  }
}

/** Why the image is not there comes first, and what that has led to second. */
function notBack(cause: unknown, late: JumpstarterError): JumpstarterError {
  const code = cause instanceof JumpstarterError ? cause.code : "io";
  const hint = `the storage is not back at the device (${late.message}): give it back with dut`;
  return new JumpstarterError(code, cause instanceof Error ? cause.message : String(cause), { hint, cause });
}

/** The commands of every storage mux. */
function muxCommands<Client extends StorageMuxClient>(): readonly Command<Client>[] {
  return [
    {
      name: "host",
      summary: "Connect the storage to the exporter",
      method: "host",
      run: (mux, _, { signal }) => mux.host({ signal }),
    },
    {
      name: "dut",
      summary: "Connect the storage to the device",
      method: "dut",
      run: (mux, _, { signal }) => mux.dut({ signal }),
    },
    { name: "off", summary: "Disconnect the storage", method: "off", run: (mux, _, { signal }) => mux.off({ signal }) },
    {
      name: "write-local-file",
      summary: "Write a file to the storage, as it is",
      method: "write",
      args: [{ name: "file", summary: "A path, or - for standard input" }],
      async run(mux, { args }, context) {
        await using file = await openCommandSource(String(args.file), context);
        const report = await mux.write(file.source, file.options);
        if (report !== undefined) return { ...report };
      },
      text: (report) => {
        const { bytes, sha256 } = report as unknown as ImageReport;
        return `wrote ${bytes} bytes, sha256 ${sha256}`;
      },
    },
  ];
}

/** How `j` drives a storage mux. */
export const storageMuxClient: ClientDefinition = defineClient<StorageMuxClient>({
  label: "jumpstarter_driver_opendal.client.StorageMuxClient",
  summary: "Storage between the exporter and a device",
  client: StorageMuxClient,
  commands: muxCommands(),
});

/** How `j` drives a storage mux that a device boots from. */
export const storageMuxFlasherClient: ClientDefinition = defineClient<StorageMuxFlasherClient>({
  label: "jumpstarter_driver_opendal.client.StorageMuxFlasherClient",
  summary: "Storage between the exporter and a device that boots from it",
  client: StorageMuxFlasherClient,
  commands: [...flashCommands<StorageMuxFlasherClient>(), ...muxCommands<StorageMuxFlasherClient>()],
});
