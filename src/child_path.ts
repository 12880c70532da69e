/**
 * Where a child of this program finds its commands.
 *
 * @module
 */

/** Where commands are found when nothing else is said. */
const defaultPath = "/usr/local/bin:/usr/bin:/bin";

/**
 * The search path of a child: `binDir`, then what `path` has. A program that is started without a PATH finds a folder
 * of Deno's own in it, which is no better than none.
 */
export function childPath(binDir: string, path: string | undefined, delimiter = ":"): string {
  const hasOwn = path?.split(delimiter).some((dir) => dir !== "" && !/[\\/]node_compat_bin$/.test(dir));
  return `${binDir}${delimiter}${hasOwn ? path : defaultPath}`;
}
