/**
 * Why a web server could not be reached. `fetch` tells it in the innermost cause of its error, in the words of the
 * libraries beneath it.
 *
 * @module
 */
import { JumpstarterError } from "./errors.ts";

/** A reason, and what to try. */
interface Explanation {
  readonly reason: string;
  readonly hint?: string;
}

const clockHint = "have it renewed, or check the clock of the machine that fetches";

/** What is wrong with a server's certificate, by what is said of it. */
const certificateFaults: readonly (readonly [pattern: RegExp, explanation: Explanation])[] = [
  [/certificate expired/, { reason: "its certificate has expired", hint: clockHint }],
  [/certificate not valid yet/, { reason: "its certificate is not valid yet", hint: clockHint }],
  [/not valid for name/, {
    reason: "its certificate is for another name",
    hint: "use a name that is in the certificate",
  }],
  [/CaUsedAsEndEntity/, {
    reason: "its certificate is that of an authority, which no server may have",
    hint: "make one for the server that says CA:FALSE",
  }],
  [/UnknownIssuer/, {
    reason: "its certificate is not trusted",
    hint: "start what fetches it (the exporter, or jmp shell for a compressed file) with DENO_CERT=FILE of its " +
      "authority, or with DENO_TLS_CA_STORE=system where the machine trusts that",
  }],
];

/** The error of a request that has not reached its server, at `where`. Secrets in the request's URL are not in it. */
export function unreachable(where: string, error: unknown): JumpstarterError {
  const said = innermostMessage(error).replace(/ for url \(\S*\)/, "");
  const [, known] = certificateFaults.find(([pattern]) => pattern.test(said)) ?? [];
  const { reason, hint } = known ?? { reason: shortReason(error) };
  return new JumpstarterError("unavailable", `cannot reach ${where}${reason && `: ${reason}`}`, {
    hint,
    // What Deno has refused names no more than the host, and the exporter tells it by this very error.
    cause: error instanceof Deno.errors.NotCapable ? error : new Error(said),
  });
}

/** What the system has said of a connection, in a few words: a refused connection, a name that does not resolve. */
export function shortReason(error: unknown): string {
  return innermostMessage(error).split(": ").at(-1)?.replace(/ \(os error \d+\)$/, "") ?? "";
}

function innermostMessage(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  const { message } = (innermost ?? {}) as { message?: unknown };
  return typeof message === "string" ? message : "";
}
