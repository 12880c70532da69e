import type { CallOptions } from "../../src/driver/mod.ts";
import { JumpstarterError } from "../../src/errors.ts";

/**
 * What a call answers, or an error once its caller gives up. The call itself goes on then, for what it leaves behind:
 * `late` is told its answer.
 */
export async function unlessGivenUp<T>(
  begin: () => Promise<T>,
  late: (answer: T) => void,
  { signal, timeoutMs }: CallOptions = {},
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isGivenUp = false;
  const giveUp = (error: JumpstarterError) => {
    isGivenUp = true;
    reject(error);
  };
  const cancel = () => giveUp(new JumpstarterError("cancelled", "The call was given up"));
  const expire = () => giveUp(new JumpstarterError("timeout", `The call took more than ${timeoutMs} ms`));
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  else begin().then((answer) => isGivenUp ? late(answer) : resolve(answer), reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}
