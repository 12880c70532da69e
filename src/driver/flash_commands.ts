/**
 * The commands of every client that writes and reads the image of a device. Drivers of several folders have them.
 */
import { JumpstarterError } from "../errors.ts";
import type { ImageReport } from "../image_file.ts";
import type { Json } from "../json.ts";
import { parseFileUrl } from "../remote_file.ts";
import type { Command, CommandInput } from "./client_definition.ts";
import { chosenCompression, compressionOption, openCommandSink, openCommandSource } from "./command_file.ts";
import type { DriverClient, RemoteFile, TransferOptions } from "./driver_client.ts";

/** How an image is written or read. */
export interface FlashOptions extends TransferOptions {
  /** The part of the device, such as a partition, where it has several; the one that counts by default. */
  target?: string;
}

/** A client that writes and reads the image of a device. */
export interface ImageClient extends DriverClient {
  /** Writes an image, and answers what the device has now, where the exporter says so. */
  flash(source: ReadableStream<Uint8Array> | RemoteFile, options?: FlashOptions): Promise<ImageReport | undefined>;
  /** Reads an image, and answers what it was, where the exporter says so. */
  dump(sink: WritableStream<Uint8Array> | RemoteFile, options?: FlashOptions): Promise<ImageReport | undefined>;
}

const fileSummary = "A path, a URL, or - for standard";

/** `flash` and `dump`. */
export function flashCommands<Client extends ImageClient>(): readonly Command<Client>[] {
  return [
    {
      name: "flash",
      summary: "Write an image to the device",
      method: "flash",
      args: [{ name: "file", optional: true, summary: `${fileSummary} input` }],
      options: [
        {
          name: "target",
          short: "t",
          type: "string",
          repeatable: true,
          summary: "In place of FILE: a part of the device and the image for it, as TARGET:FILE",
        },
        compressionOption,
      ],
      async *run(client, input, context) {
        await using opened = new AsyncDisposableStack();
        const images = [];
        for (const { target, file } of parseImages(input)) {
          const compression = chosenCompression(file, input);
          const open = async () => opened.use(await openCommandSource(file, context, { compression }));
          // What cannot be opened is told before anything is written. A URL waits for its turn, since its server does
          // not wait until the images before it are written.
          images.push({ target, open, present: parseFileUrl(file) === undefined ? await open() : undefined });
        }
        for (const { target, open, present } of images) {
          const { source, options } = present ?? await open();
          const report = await client.flash(source, { ...options, target });
          if (report !== undefined) yield { ...(target === undefined ? {} : { target }), ...report };
        }
      },
      text: (report) => `wrote ${formatReport(report)}`,
    },
    {
      name: "dump",
      summary: "Read an image from the device",
      method: "dump",
      args: [{ name: "file", summary: `${fileSummary} output` }],
      options: [
        { name: "target", short: "t", type: "string", summary: "The part of the device" },
        compressionOption,
      ],
      async run(client, input, context) {
        const file = String(input.args.file);
        const target = typeof input.options.target === "string" ? input.options.target : undefined;
        const compression = chosenCompression(file, input);
        await using opened = await openCommandSink(file, context, { compression });
        const report = await client.dump(opened.sink, { ...opened.options, target });
        // Standard output is the image's own.
        if (report !== undefined && file !== "-") return { ...report };
      },
      text: (report) => `read ${formatReport(report)}`,
    },
  ];
}

/** What an exporter answers to the writing or reading of an image; those of others say nothing. */
export function parseImageReport(value: Json): ImageReport | undefined {
  const { bytes, sha256 } = (value ?? {}) as Partial<Record<keyof ImageReport, unknown>>;
  return typeof bytes === "number" && typeof sha256 === "string" ? { bytes, sha256 } : undefined;
}

/** `1048576 bytes, sha256 30e1…`, with the part of the device where it has parts. */
function formatReport(value: Json): string {
  const { bytes, sha256, target } = value as { bytes: number; sha256: string; target?: string };
  return `${bytes} bytes${target === undefined ? "" : ` to "${target}"`}, sha256 ${sha256}`;
}

function parseImages({ args: { file }, options: { target } }: CommandInput): { target?: string; file: string }[] {
  const specs = Array.isArray(target) ? target as readonly string[] : [];
  if (typeof file === "string") {
    if (specs.length === 0) return [{ file }];
    throw new JumpstarterError("usage", "an image is named by FILE or by --target, not by both", {
      hint: `write it as --target ${specs[0]?.split(":", 1)[0]}:${file}`,
    });
  }
  if (specs.length === 0) throw new JumpstarterError("usage", "no image is named", { hint: "give FILE, or --target" });
  const images = specs.map((spec) => {
    const colon = spec.indexOf(":");
    if (colon > 0 && colon < spec.length - 1) return { target: spec.slice(0, colon), file: spec.slice(colon + 1) };
    throw new JumpstarterError("usage", `"${spec}" names no image`, { hint: "write it as TARGET:FILE" });
  });
  if (images.filter(({ file }) => file === "-").length <= 1) return images;
  throw new JumpstarterError("usage", "standard input is one image, and cannot be several");
}
