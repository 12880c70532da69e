/**
 * What it was that Deno has refused, such as `read access to "/etc/shadow"`, be it told as it is or as the reason of
 * what a driver says; nothing when `error` is something else.
 */
export function refusedAccess(error: unknown): string | undefined {
  if (error instanceof Deno.errors.NotCapable) {
    return /^Requires (.+ access(?: to .+?)?),/.exec(error.message)?.[1] ?? error.message;
  }
  return error instanceof Error ? refusedAccess(error.cause) : undefined;
}
