/**
 * The command line: `jmp` and `j`.
 *
 * @module
 */
export { main } from "./main.ts";
export type { MainOptions } from "./main_options.ts";
