/**
 * Where a child of this program finds its commands.
 *
 * @module
 */

import { isWindows, pathDelimiter, pathNameIn } from "./platform.ts";

/** Where commands are found when nothing else is said. */
const defaultPath = isWindows ? "C:\\Windows\\System32" : "/usr/local/bin:/usr/bin:/bin";

/**
 * The environment of a child: `env`, with `binDir` before all others on the search path. A program that is started
 * without a PATH finds a folder of Deno's own in it, which is no better than none.
 */
export function withBinDir(env: Readonly<Record<string, string>>, binDir: string): Record<string, string> {
  const name = pathNameIn(env);
  const path = env[name];
  const hasOwn = path?.split(pathDelimiter).some((dir) => dir !== "" && !/[\\/]node_compat_bin$/.test(dir));
  return { ...env, [name]: `${binDir}${pathDelimiter}${hasOwn ? path : defaultPath}` };
}
