import { z } from "zod";
import { call, type CallContext, defineDriver, type DriverDefinition, isFileArgument } from "../../src/driver/mod.ts";
import { type ImageReport, readImage, writeImage } from "../../src/image_file.ts";

/** Keeps what is written to it in a file, and says in the log where it is switched to. */
class MockStorageMux {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  switch(side: string, { log }: CallContext): void {
    log.info(`storage ${side}`);
  }

  async write(source: unknown, context: CallContext): Promise<ImageReport> {
    const report = await writeImage(this.#path, await context.openSource(source), context.signal);
    context.log.info(`wrote ${report.bytes} bytes, sha256 ${report.sha256}`);
    return report;
  }

  async read(target: unknown, context: CallContext): Promise<ImageReport> {
    return await readImage(this.#path, await context.openSink(target));
  }
}

const args = z.tuple([z.custom(isFileArgument, "must stand for a file")]);

const methods: DriverDefinition<Record<string, never>, MockStorageMux>["methods"] = {
  host: call({
    summary: "Connect the storage to the exporter",
    run: (mux: MockStorageMux, _args, context) => mux.switch("to the host", context),
  }),
  dut: call({
    summary: "Connect the storage to the device",
    run: (mux: MockStorageMux, _args, context) => mux.switch("to the device", context),
  }),
  off: call({
    summary: "Disconnect the storage",
    run: (mux: MockStorageMux, _args, context) => mux.switch("off", context),
  }),
  write: call({
    summary: "Write the storage",
    args,
    run: async (mux: MockStorageMux, [source], context) => ({ ...await mux.write(source, context) }),
  }),
  read: call({
    summary: "Read the storage",
    args,
    run: async (mux: MockStorageMux, [target], context) => ({ ...await mux.read(target, context) }),
  }),
};

/** The two differ in what their clients offer. */
function defineMock(name: string, client: string): DriverDefinition {
  return defineDriver<Record<string, never>, MockStorageMux>({
    type: `jumpstarter_driver_opendal.driver.${name}`,
    client: `jumpstarter_driver_opendal.client.${client}`,
    summary: "Storage between the exporter and a device, without hardware",
    start: async (_config, { workDir }) =>
      new MockStorageMux(await Deno.makeTempFile({ dir: workDir, prefix: "storage-" })),
    methods,
  });
}

/** Switched storage, without hardware. */
export const mockStorageMux: DriverDefinition = defineMock("MockStorageMux", "StorageMuxClient");

/** The same, for clients that write a device's image to it. */
export const mockStorageMuxFlasher: DriverDefinition = defineMock("MockStorageMuxFlasher", "StorageMuxFlasherClient");
