import { describeOther, type ExclusiveOptions } from "../client/mod.ts";
import type { Env } from "./connection_options.ts";
import { printable, writeErr } from "./output.ts";

/** The options of `jmp shell` that say how it is to have the devices. */
export interface HoldChoice {
  exclusive?: boolean;
  steal?: boolean;
  /** In milliseconds. */
  wait?: number;
}

/**
 * How a shell comes to have the devices to itself, with what the person at it is told. `ifAsked`: it was not told to,
 * and does so only where the exporter asks its clients to.
 *
 * @param begun When the shell was started, from which its waiting counts.
 */
export function howToHold(
  { exclusive = false, steal = false, wait }: HoldChoice,
  begun: number,
  env: Env,
): ExclusiveOptions & { ifAsked: boolean } {
  return {
    ifAsked: !exclusive && !steal,
    name: ownName(env),
    waitMs: wait === undefined ? 0 : Math.max(1, wait - (Date.now() - begun)),
    steal,
    onWaiting(other, ahead) {
      const who = other === undefined ? "" : `: they are with ${printable(describeOther(other))}`;
      writeErr(`Waiting for the devices${who}${ahead === 0 ? "" : ` (${ahead} before this)`}\n`);
    },
    onLost(other) {
      writeErr(`jmp: ${printable(describeOther(other))} has taken over the devices; calls from here are refused\n`);
    },
  };
}

/** `USER@MACHINE`, as far as it is known. */
function ownName(env: Env): string {
  const user = env.USER || env.LOGNAME || env.USERNAME || "";
  try {
    return user === "" ? Deno.hostname() : `${user}@${Deno.hostname()}`;
  } catch {
    return user; // this program is not allowed to ask
  }
}
