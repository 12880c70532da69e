import assert from "node:assert/strict";
import { JumpstarterError } from "../errors.ts";
import type { Channel } from "../rpc/mod.ts";
import { Reconnection } from "./reconnect.ts";

/** A channel whose exporter is gone until `back` is called. */
function lostChannel() {
  let isBack = false;
  const channel = {
    wasLost: true,
    unary: () =>
      isBack
        ? Promise.reject(new JumpstarterError("unimplemented", "an old one, which is ready when it is there"))
        : Promise.reject(new JumpstarterError("connection_lost", "gone")),
  };
  return { channel: channel as unknown as Channel, back: () => isBack = true };
}

Deno.test("a call that is given up waits no longer for a lost exporter; the others do", async () => {
  const { channel, back } = lostChannel();
  const reconnection = new Reconnection(channel, { reconnectTimeoutMs: 60_000 });
  const other = reconnection.ready();
  const caller = new AbortController();
  const called = reconnection.ready({ signal: caller.signal });
  caller.abort();
  await assert.rejects(called, { code: "cancelled" });
  await assert.rejects(reconnection.ready({ signal: AbortSignal.abort() }), { code: "cancelled" });
  await assert.rejects(reconnection.ready({ timeoutMs: 5 }), { code: "timeout" });
  const patient = reconnection.ready({ timeoutMs: 60_000 });
  back();
  assert.equal(await other, undefined);
  const { timeoutMs = 0 } = await patient ?? {};
  assert.ok(timeoutMs > 0 && timeoutMs < 60_000, `${timeoutMs} is what is left`);
});
