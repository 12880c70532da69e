import type { Logger } from "../log.ts";

/**
 * Removes what programs of this kind have left that were killed. It is for a time when nobody waits: what it takes is
 * loaded only now.
 *
 * @param log Told what was removed.
 */
export async function tidyUp(log?: Logger): Promise<void> {
  const { removeLeftDirs } = await import("../left_dirs.ts");
  const removed = await removeLeftDirs();
  if (removed.length === 0) log?.debug("No run that was killed has left anything");
  for (const dir of removed) log?.info(`Removed ${dir}, which a run that was killed has left`);
}
