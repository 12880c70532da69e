/**
 * The client of devices that take an image.
 *
 * @example
 * ```ts
 * import { connect } from "@jumpstarter/cli";
 * import { FlasherClient } from "@jumpstarter/cli/flasher";
 *
 * await using exporter = await connect("127.0.0.1:19090", { insecure: true });
 * const flasher = exporter.driver("flasher", FlasherClient);
 * const file = await Deno.open("disk.img.xz");
 * const written = await flasher.flash(file.readable, { compression: "xz" });
 * console.log(written?.sha256);
 * ```
 *
 * @module
 */
import {
  type ClientDefinition,
  defineClient,
  DriverClient,
  flashCommands,
  type FlashOptions,
  type ImageReport,
  parseImageReport,
  type RemoteFile,
} from "../../src/driver/mod.ts";

/** Writes and reads the image of one device. */
export class FlasherClient extends DriverClient {
  /**
   * Writes an image. What the device had stays until all of it has come.
   *
   * @param source The image's bytes, or a request that the exporter fetches by itself.
   * @returns What was written, where the exporter says so.
   */
  async flash(
    source: ReadableStream<Uint8Array> | RemoteFile,
    { target, ...options }: FlashOptions = {},
  ): Promise<ImageReport | undefined> {
    return parseImageReport(await this.upload("flash", source, (handle) => [handle, target ?? null], options));
  }

  /**
   * Reads an image.
   *
   * @param sink Where its bytes go, or a request by which the exporter puts them by itself.
   * @returns What was read, where the exporter says so.
   */
  async dump(
    sink: WritableStream<Uint8Array> | RemoteFile,
    { target, ...options }: FlashOptions = {},
  ): Promise<ImageReport | undefined> {
    return parseImageReport(await this.download("dump", sink, (handle) => [handle, target ?? null], options));
  }
}

/** How `j` drives a flasher. */
export const flasherClient: ClientDefinition = defineClient<FlasherClient>({
  label: "jumpstarter_driver_opendal.client.FlasherClient",
  summary: "A device that takes an image",
  client: FlasherClient,
  commands: flashCommands(),
});
