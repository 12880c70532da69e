import type { Logger } from "../log.ts";

/**
 * Logs the errors that nobody waits for, such as one thrown in a timer of a driver's, and lets the exporter go on:
 * Deno would end the whole process. Until disposed of.
 */
export function logStrayFaults(log: Logger): Disposable {
  const note = (error: unknown) => {
    const place = placeOf(error);
    log.error(`An error that nobody handled${place === undefined ? "" : ` (${place})`}: ${nameOf(error)}`);
    if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    note(event.error);
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    note(event.reason);
  };
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]() {
      globalThis.removeEventListener("error", onError);
      globalThis.removeEventListener("unhandledrejection", onRejection);
    },
  };
}

/** Where it was thrown: the first line of its stack that is no part of Deno. It tells whose driver it was. */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack ?? "" : "";
  return /(?:file|https?|jsr|npm):[^\s)]+/.exec(stack)?.[0];
}

function nameOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split("\n", 1)[0] ?? "";
}
