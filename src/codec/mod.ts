/**
 * Packing and unpacking of streams, in bounded memory: gzip, xz, bz2 and zstd.
 *
 * Permissions: `gzip` and packing `zstd` need none. The others run `xz`, `bzip2` and `zstd` where they are installed
 * and `--allow-run=xz,bzip2,zstd` lets them; without, what can be done in this process is done there.
 *
 * @module
 */
export { canDecode, decode } from "./decode.ts";
export { canEncode, encode, encodeInto } from "./encode.ts";
