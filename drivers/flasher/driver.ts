import { join } from "node:path";
import { z } from "zod";
import { call, type CallContext, defineDriver, type DriverDefinition, isFileArgument } from "../../src/driver/mod.ts";
import { DriverError } from "../../src/errors.ts";
import { type ImageReport, readImage, writeImage } from "../../src/image_file.ts";

/** Parts are files of their names, so a name must be one. */
const partition = z.string().regex(/^[^/\\\0]{1,200}$/).refine((name) => name !== "." && name !== "..", "no name");

/** The file, and the part of the device; the one that counts where it is not named. */
const args = z.tuple([
  z.custom(isFileArgument, "must stand for a file"),
  partition.nullish().transform((name) => name ?? "default"),
]);

/** Keeps the images that it is given, each in a file. */
class MockFlasher {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async flash(source: unknown, name: string, context: CallContext): Promise<ImageReport> {
    const { signal, log } = context;
    const report = await writeImage(join(this.#dir, name), await context.openSource(source), signal);
    log.info(`flashed ${report.bytes} bytes to "${name}", sha256 ${report.sha256}`);
    return report;
  }

  async dump(target: unknown, name: string, context: CallContext): Promise<ImageReport> {
    const sink = await context.openSink(target);
    return await readImage(join(this.#dir, name), sink).catch((cause) => {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new DriverError("not_found", `nothing has been flashed to "${name}" yet`, { cause });
    });
  }
}

/** A device that takes an image, without hardware. */
export const mockFlasher: DriverDefinition = defineDriver({
  type: "jumpstarter_driver_opendal.driver.MockFlasher",
  client: "jumpstarter_driver_opendal.client.FlasherClient",
  summary: "A device that takes an image, without hardware",
  start: async (_config, { workDir }) => new MockFlasher(await Deno.makeTempDir({ dir: workDir, prefix: "flasher-" })),
  methods: {
    flash: call({
      summary: "Write an image to the device",
      args,
      run: async (device: MockFlasher, [source, name], context) => ({ ...await device.flash(source, name, context) }),
    }),
    dump: call({
      summary: "Read an image from the device",
      args,
      run: async (device: MockFlasher, [target, name], context) => ({ ...await device.dump(target, name, context) }),
    }),
  },
});
