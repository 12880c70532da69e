/**
 * All that `cli.ts` does without when an agent runs a `j`: the command line, and the list of drivers.
 *
 * @module
 */
export { builtinDrivers } from "./drivers/mod.ts";
export { main, mainJ } from "./src/cli/mod.ts";
