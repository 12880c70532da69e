import type { Logger } from "../log.ts";

/** How often it is looked whether anything goes on, in milliseconds. */
const lookMs = 200;

/** How late a look may come, in milliseconds. */
const maxLateMs = 1_000;

/**
 * Says in the log when nothing went on for more than a second. Drivers run in the exporter's own thread, so one that
 * blocks holds up every client of every other, and nobody could see why.
 *
 * @param calls The names of the methods that have run since they were asked for last.
 */
export function watchForStandstill(log: Logger, calls: () => readonly string[]): Disposable {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const names = calls();
    const nowMs = performance.now();
    const stoodMs = nowMs - lastMs - lookMs;
    if (stoodMs > maxLateMs) log.warning(describe(stoodMs, names));
    lastMs = nowMs;
  }, lookMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function describe(stoodMs: number, names: readonly string[]): string {
  const duration = `${(stoodMs / 1_000).toFixed(1)} s`;
  if (names.length === 0) return `The exporter stood still for ${duration}, and no driver's method ran`;
  return `The exporter stood still for ${duration} while ${names.join(", ")} ran: a driver must not block`;
}
