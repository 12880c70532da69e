import assert from "node:assert/strict";
import { RunningCalls } from "./running_calls.ts";

Deno.test("a wait that is over leaves no listener behind", async () => {
  const running = new RunningCalls();
  const hurry = new AbortController();
  const { signal } = hurry;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  const call = running.begin("power.on");
  const ended = running.ended(60_000, signal);
  assert.equal(listeners.size, 1);
  call[Symbol.dispose]();
  assert.deepEqual(await ended, []);
  assert.equal(listeners.size, 0);
  using _other = running.begin("power.off");
  const left = running.ended(60_000, signal);
  hurry.abort();
  assert.deepEqual(await left, ["power.off"]);
});

Deno.test("a call is recent from its beginning until it has been told after its end", () => {
  const running = new RunningCalls();
  const long = running.begin("serial.connect");
  running.begin("power.on")[Symbol.dispose]();
  assert.deepEqual(running.takeRecent(), ["serial.connect", "power.on"]);
  assert.deepEqual(running.takeRecent(), ["serial.connect"]);
  long[Symbol.dispose]();
  assert.deepEqual(running.takeRecent(), ["serial.connect"]);
  assert.deepEqual(running.takeRecent(), []);
});
