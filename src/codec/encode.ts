import { constants, createGzip, createZstdCompress } from "node:zlib";
import { JumpstarterError } from "../errors.ts";
import type { Encoding } from "../encoding.ts";
import { lazyStream } from "./lazy_stream.ts";
import { streamThroughZlib } from "./node_stream.ts";
import { hasTool, startTool, streamThrough, type Tool } from "./tool_stream.ts";

type Bytes = ReadableStream<Uint8Array>;

/** How one encoding is made: in this process where that is possible, else by a tool. */
interface Encoder {
  readonly tool?: Tool;
  readonly open?: (bytes: Bytes) => Bytes;
}

/** Unlike the zstd tool, the library writes no checksum unless it is told to. */
const zstdParams = { [constants.ZSTD_c_checksumFlag]: 1 };

const encoders: Readonly<Record<Encoding, Encoder>> = {
  gzip: { open: (bytes) => streamThroughZlib(bytes, createGzip()) },
  xz: { tool: { command: "xz", args: ["-zc"] } },
  bz2: { tool: { command: "bzip2", args: ["-zc"] } },
  zstd: { open: (bytes) => streamThroughZlib(bytes, createZstdCompress({ params: zstdParams })) },
};

/** Whether {@linkcode encode} can make `encoding` on this machine. */
export async function canEncode(encoding: Encoding): Promise<boolean> {
  const { tool, open } = encoders[encoding];
  return open !== undefined || (tool !== undefined && await hasTool(tool));
}

/**
 * `bytes`, compressed. Nothing runs before somebody reads it, and cancelling it ends all of it.
 *
 * @throws {JumpstarterError} On reading: `unimplemented` where this machine cannot make the encoding; and whatever
 * `bytes` itself throws.
 */
export function encode(bytes: Bytes, encoding: Encoding): Bytes {
  return lazyStream(bytes, (source) => openEncoder(encoders[encoding], source, encoding), (error) => {
    if (error instanceof JumpstarterError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new JumpstarterError("io", `cannot pack the data as ${encoding}: ${reason}`, { cause: error });
  });
}

/**
 * A sink for the plain bytes of which `sink` gets the compressed ones. Closing it writes the end and closes `sink`;
 * aborting it, and whatever goes wrong, aborts `sink`, so that a part is never taken for the whole.
 */
export function encodeInto(sink: WritableStream<Uint8Array>, encoding: Encoding): WritableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  writer.closed.catch(() => {/* told by what comes next */});
  const packed = encode(readable, encoding).pipeTo(sink);
  packed.catch(() => {/* told by the write or the close that waits for it */});
  return new WritableStream<Uint8Array>({
    // A packer that has failed takes no more, and only it knows why.
    write: (bytes) => writer.write(bytes).catch(() => packed),
    close: async () => {
      await writer.close().catch(() => {/* only the packer knows why */});
      await packed;
    },
    abort: async (reason) => {
      await Promise.allSettled([writer.abort(reason), sink.abort(reason)]); // what has failed is over as well
    },
  });
}

function openEncoder({ tool, open }: Encoder, bytes: Bytes, encoding: Encoding): Bytes {
  if (open !== undefined) return open(bytes);
  const child = tool === undefined ? undefined : startTool(tool);
  if (child !== undefined) return streamThrough(bytes, child);
  throw new JumpstarterError("unimplemented", `cannot pack data as ${encoding} on this machine`, {
    hint: `install ${tool?.command}, or choose gzip or zstd`,
  });
}
