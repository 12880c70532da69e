/** How much a peer may send ahead, in bytes: on a whole connection, and on each stream of it. HTTP/2 has 64 KiB. */
export const WINDOW_BYTES = 1024 * 1024;
