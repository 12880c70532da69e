import { JumpstarterError } from "../errors.ts";

/**
 * Why a stream cannot be read any more: for `error`, unless what is `sent` into it has failed, which cuts it off.
 *
 * @param signal Whether the user has given up.
 */
export async function inputFault(error: unknown, sent: Promise<void>, signal: AbortSignal): Promise<unknown> {
  const isCut = error instanceof JumpstarterError && error.code === "cancelled" && !signal.aborted;
  return isCut ? await sent.then(() => error, (cause: unknown) => cause) : error;
}
