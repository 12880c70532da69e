import assert from "node:assert/strict";
import { Logger } from "../log.ts";
import { watchForStandstill } from "./standstill.ts";

/** Keeps everything else waiting. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

Deno.test("a standstill is told once, with what ran or that nothing did, and a short one is none", async () => {
  const told: string[] = [];
  let names: string[] = [];
  let looked = Promise.withResolvers<void>();
  const look = () => (looked = Promise.withResolvers<void>()).promise;
  using _watch = watchForStandstill(new Logger(({ message }) => told.push(message)), () => {
    looked.resolve();
    return names;
  });
  await look();
  block(500);
  await look();
  await look();
  assert.deepEqual(told, []);
  block(1_700);
  await look();
  names = ["power.on", "serial.connect"];
  block(1_700);
  await look();
  await look();
  assert.equal(told.length, 2);
  assert.match(told[0] ?? "", /^The exporter stood still for \d\.\d s, and no driver's method ran$/);
  assert.match(told[1] ?? "", /^The exporter stood still for \d\.\d s while power\.on, serial\.connect ran: /);
});
