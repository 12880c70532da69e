import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import * as pb from "../../proto/mod.ts";
import { type Bench, openBench, rejectsWith, type TestHandlers } from "../rpc/bench_test.ts";
import { endSession } from "./end_session.ts";

const { AFTER_LEASE_HOOK, AFTER_LEASE_HOOK_FAILED, AVAILABLE, BEFORE_LEASE_HOOK, LEASE_READY } = pb.ExporterStatus;
type Status = MessageInitShape<typeof pb.GetStatusResponseSchema>;

const ready: Status = { status: LEASE_READY, statusVersion: 2n, previousStatus: BEFORE_LEASE_HOOK };
const ends: Status = { status: AFTER_LEASE_HOOK, statusVersion: 3n, previousStatus: LEASE_READY };
const over: Status = { status: AVAILABLE, statusVersion: 3n, previousStatus: LEASE_READY, message: "for a new lease" };

/** An exporter that answers EndSession at once, and has each status in turn, and the last one from then on. */
async function serve(
  statuses: readonly Status[],
  { success = true, message = "triggered" } = {},
  own: Pick<TestHandlers, "direct"> = {},
): Promise<Bench & { readonly asked: string[] }> {
  const asked: string[] = [], left = [...statuses];
  const bench = await openBench({
    exporter: {
      getStatus() {
        asked.push("status");
        return (left.length > 1 ? left.shift() : left[0]) ?? {};
      },
      endSession() {
        asked.push("end");
        return { success, message };
      },
    },
    ...own,
  });
  return Object.assign(bench, { asked });
}

Deno.test("an exporter of this project answers when it is ready, and is asked for nothing more", async () => {
  await using bench = await serve([ready], { message: "Ready for commands" }, { direct: { getInfo: () => ({}) } });
  assert.equal(await endSession(bench.channel), "Ready for commands");
  assert.deepEqual(bench.asked, ["end"]);
});

Deno.test("one that answers at once is waited for, beyond the session that ends", async () => {
  const next: Status = { status: LEASE_READY, statusVersion: 5n, previousStatus: BEFORE_LEASE_HOOK };
  await using bench = await serve([ready, ready, ends, next]);
  assert.equal(await endSession(bench.channel), "triggered");
  assert.deepEqual(bench.asked, ["status", "end", "status", "status", "status"]);
});

Deno.test("one whose statuses have no versions is taken at its word", async () => {
  await using bench = await serve([{ status: LEASE_READY }]);
  assert.equal(await endSession(bench.channel), "triggered");
});

Deno.test("one that begins no other session is an error, the second time too", async () => {
  await using bench = await serve([ready, ready, over]);
  for (let time = 0; time < 2; time++) {
    const { message } = await rejectsWith(endSession(bench.channel), "not_ready");
    assert.match(message, /has ended its session and begins no other \(AVAILABLE: for a new lease\)$/);
  }
});

Deno.test("one that ends no session is an error, in its words", async () => {
  await using bench = await serve([ready], { success: false, message: "No active lease context" });
  const { message } = await rejectsWith(endSession(bench.channel), "not_ready");
  assert.equal(message, "The exporter ends no session: No active lease context");
  await using silent = await serve([ready], { success: false, message: "" }, { direct: { getInfo: () => ({}) } });
  assert.match((await rejectsWith(endSession(silent.channel), "not_ready")).message, /gives no reason/);
});

Deno.test("a hook that fails on the way is an error", async () => {
  await using bench = await serve([ready, ends, { status: AFTER_LEASE_HOOK_FAILED, message: "no power" }]);
  assert.equal((await rejectsWith(endSession(bench.channel), "hook")).message, "no power");
});
