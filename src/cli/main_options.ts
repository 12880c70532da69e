import type { DriverPackage } from "../driver/mod.ts";
import type { Env } from "./connection_options.ts";

/** What the program is given by its entry point. */
export interface MainOptions {
  /** The words after the program's name. */
  readonly args: readonly string[];
  readonly env: Env;
  /** The drivers that it knows. */
  readonly packages: readonly DriverPackage[];
  /** The words that start this program again, for the `j` of shells and hooks. */
  readonly launcher: readonly string[];
  /** The words that start this program again where it may read no file of its own. */
  readonly restrictedLauncher: readonly string[];
  /** Which program this is: one `j` may run in the process of another program only when it is the same. */
  readonly program: string;
}
