import assert from "node:assert/strict";
import { childEnd } from "./child_end.ts";

const endOf = (script: string) => childEnd(new Deno.Command("sh", { args: ["-c", script] }).spawn());

Deno.test("a child's end is told with its code, or with the signal that has ended it", async () => {
  assert.deepEqual({ ...await endOf("true") }, { success: true, code: 0, signal: null });
  assert.deepEqual({ ...await endOf("exit 7") }, { success: false, code: 7, signal: null });
  assert.deepEqual({ ...await endOf("kill -TERM $$") }, { success: false, code: 143, signal: "SIGTERM" });
});

Deno.test({
  name: "a signal that Deno has no name for is told by its number",
  ignore: Deno.build.os !== "linux", // no other system has real-time signals
  fn: async () => {
    for (const number of [34, 40, 64]) {
      const wanted = { success: false, code: 128 + number, signal: `signal ${number}` };
      assert.deepEqual(await endOf(`kill -${number} $$`), wanted);
    }
  },
});
