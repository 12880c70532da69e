/**
 * The command line: `jmp` and `j`.
 *
 * @module
 */
export { main, type MainOptions } from "./main.ts";
