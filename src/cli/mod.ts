/**
 * The command line: `jmp` and `j`.
 *
 * @module
 */
export { main, mainJ } from "./main.ts";
export type { MainOptions } from "./main_options.ts";
