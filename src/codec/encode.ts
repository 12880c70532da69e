import { constants, createGzip, createZstdCompress } from "node:zlib";
import { JumpstarterError } from "../errors.ts";
import type { Encoding } from "./encoding.ts";
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

function openEncoder({ tool, open }: Encoder, bytes: Bytes, encoding: Encoding): Bytes {
  if (open !== undefined) return open(bytes);
  const child = tool === undefined ? undefined : startTool(tool);
  if (child !== undefined) return streamThrough(bytes, child);
  throw new JumpstarterError("unimplemented", `cannot pack data as ${encoding} on this machine`, {
    hint: `install ${tool?.command}, or choose gzip or zstd`,
  });
}
