/**
 * The names of the encodings that files travel in, and how a file shows its own. Packing and unpacking is `codec`.
 *
 * @module
 */

/** How a file is compressed, by the names that travel on the wire. */
export type Encoding = "gzip" | "xz" | "bz2" | "zstd";

/** The bytes that every file of an encoding begins with. */
const magics: Readonly<Record<Encoding, readonly number[]>> = {
  gzip: [0x1f, 0x8b, 0x08],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  bz2: [0x42, 0x5a, 0x68],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/** What the name of a file of an encoding ends with. */
const extensions: Readonly<Record<string, Encoding>> = {
  ".gz": "gzip",
  ".gzip": "gzip",
  ".tgz": "gzip",
  ".xz": "xz",
  ".txz": "xz",
  ".bz2": "bz2",
  ".tbz2": "bz2",
  ".zst": "zstd",
  ".zstd": "zstd",
  ".tzst": "zstd",
};

/** How many bytes {@linkcode detectEncoding} wants to see, to tell every encoding. */
export const DETECTION_BYTES = 6;

/** Every encoding, in no order that means anything. */
export const encodings: readonly Encoding[] = Object.freeze(Object.keys(magics) as Encoding[]);

/** Whether `name` is an encoding. */
export function isEncoding(name: unknown): name is Encoding {
  return typeof name === "string" && Object.hasOwn(magics, name);
}

/** The encoding that the name of a file, or the path of a URL, promises by its extension; nothing where it has none. */
export function encodingOfName(name: string): Encoding | undefined {
  const extension = /\.[^./\\]+$/.exec(name)?.[0].toLowerCase() ?? "";
  return Object.hasOwn(extensions, extension) ? extensions[extension] : undefined;
}

/**
 * The encoding that a file beginning with these bytes has, or nothing when it looks like none.
 *
 * @param firstBytes The first {@linkcode DETECTION_BYTES} of the file or more; fewer may tell too little.
 */
export function detectEncoding(firstBytes: Uint8Array): Encoding | undefined {
  return encodings.find((encoding) => startsWith(firstBytes, magics[encoding]));
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte);
}
