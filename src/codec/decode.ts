import { createGunzip } from "node:zlib";
import { JumpstarterError } from "../errors.ts";
import { detectEncoding, DETECTION_BYTES, type Encoding } from "../encoding.ts";
import { lazyStream } from "./lazy_stream.ts";
import { streamThroughZlib } from "./node_stream.ts";
import { hasTool, startTool, streamThrough, type Tool } from "./tool_stream.ts";

type Bytes = ReadableStream<Uint8Array>;

/** How one encoding is undone: by a tool if it is there, else here. */
interface Decoder {
  readonly tool?: Tool;
  /** Undoes it in this process. */
  readonly open?: (bytes: Bytes) => Bytes | Promise<Bytes>;
}

const decoders: Readonly<Record<Encoding, Decoder>> = {
  gzip: { open: (bytes) => streamThroughZlib(bytes, createGunzip()) },
  // The tool is faster than the WASM, and does not hold up everything else in this process meanwhile.
  xz: { tool: { command: "xz", args: ["-dc"] }, open: openXz },
  bz2: { tool: { command: "bzip2", args: ["-dc"] } },
  // Deno's own zstd takes a file that was cut off for a whole one, and dies of a corrupt one.
  zstd: { tool: { command: "zstd", args: ["-dc"] } },
};

/** What the WASM means by its numbers, in the words of the tool. */
const wasmReasons: Readonly<Record<string, string>> = {
  "get_next_output failed with error code 7": "compressed data is corrupt",
  "get_next_output failed with error code 8": "unexpected end of input",
};

/** Whether {@linkcode decode} can undo `encoding` on this machine. */
export async function canDecode(encoding: Encoding): Promise<boolean> {
  const { tool, open } = decoders[encoding];
  return open !== undefined || (tool !== undefined && await hasTool(tool));
}

/**
 * What was encoded as `bytes`, as a stream. Nothing runs before somebody reads it, and cancelling it ends all of it.
 *
 * Whatever is not a whole, intact file of this encoding, or several one after another, is an error: nothing at all,
 * a file cut off, one bit changed, anything behind the end but the zero bytes that may fill up the last block of a
 * gzip file.
 *
 * @throws {JumpstarterError} On reading: `invalid_argument` where the bytes are at fault, `unimplemented` where this
 * machine cannot undo the encoding; and whatever `bytes` itself throws.
 */
export function decode(bytes: Bytes, encoding: Encoding): Bytes {
  const open = (source: Bytes) => openDecoder(decoders[encoding], requireMagic(source, encoding), encoding);
  return lazyStream(bytes, open, (error) => {
    if (error instanceof JumpstarterError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    const words = wasmReasons[reason] ?? reason;
    return new JumpstarterError("invalid_argument", `cannot unpack ${encoding} data: ${words}`, { cause: error });
  });
}

function openDecoder({ tool, open }: Decoder, bytes: Bytes, encoding: Encoding): Bytes | Promise<Bytes> {
  const child = tool === undefined ? undefined : startTool(tool);
  if (child !== undefined) return streamThrough(bytes, child);
  if (open !== undefined) return open(bytes);
  throw new JumpstarterError("unimplemented", `cannot unpack ${encoding} data on this machine`, {
    hint: `install ${tool?.command}, or unpack the file before`,
  });
}

async function openXz(bytes: Bytes): Promise<Bytes> {
  // Its types promise named exports, but it is CommonJS.
  const { default: xz } = await import("xz-decompress") as unknown as {
    default: { XzReadableStream: new (bytes: Bytes) => Bytes };
  };
  return new xz.XzReadableStream(bytes);
}

/** The same bytes, refused when they begin unlike this encoding: some tools would unpack another one too. */
function requireMagic(bytes: Bytes, encoding: Encoding): Bytes {
  const reader = bytes.getReader();
  let isChecked = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = isChecked ? (await reader.read()).value : await readAtLeast(reader, DETECTION_BYTES);
      if (!isChecked && (chunk === undefined || detectEncoding(chunk) !== encoding)) {
        throw new JumpstarterError(
          "invalid_argument",
          `cannot unpack ${encoding} data: ${describeStart(chunk, encoding)}`,
        );
      }
      isChecked = true;
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function describeStart(chunk: Uint8Array | undefined, encoding: Encoding): string {
  if (chunk === undefined) return "there is none";
  const other = detectEncoding(chunk);
  return other === undefined ? `it does not begin like ${encoding}` : `it is ${other} data`;
}

/** The next bytes, at least `least` of them unless they end before. */
async function readAtLeast(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  least: number,
): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array | undefined;
  while (bytes === undefined || bytes.length < least) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes = bytes === undefined ? value : concat(bytes, value);
  }
  return bytes;
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
