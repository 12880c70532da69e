/** How much a peer may send ahead, in bytes: on a whole connection, and on each stream of it. HTTP/2 has 64 KiB. */
export const WINDOW_BYTES = 1024 * 1024;

/**
 * The same for a client that an exporter has let in. A file of a Python client that is on its way to another machine
 * comes a fifth faster, as fast as that client can send; more than this wins nothing.
 */
export const ADMITTED_WINDOW_BYTES = 8 * 1024 * 1024;
