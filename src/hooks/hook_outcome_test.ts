import assert from "node:assert/strict";
import { describeOutcome, type HookOutcome } from "./hook_outcome.ts";

Deno.test("each outcome is one clear line", () => {
  const lines: readonly string[] = [];
  const cases: [HookOutcome, string][] = [
    [{ kind: "ok", durationMs: 1234 }, "succeeded after 1.2 s"],
    [{ kind: "ok", durationMs: 41.7 }, "succeeded after 42 ms"],
    [{ kind: "failed", exitCode: 3, lines }, "failed with exit code 3"],
    [{ kind: "failed", exitCode: 127, lines }, "failed with exit code 127 (a command in it was not found)"],
    [{ kind: "killed", signal: "SIGSEGV", lines }, "was killed by SIGSEGV"],
    [{ kind: "timedOut", timeoutMs: 30_000, lines }, "timed out after 30 s and was stopped"],
    [{ kind: "interrupted", lines }, "was interrupted and stopped"],
    [{ kind: "notStarted", reason: 'there is no program "x"' }, 'could not be started: there is no program "x"'],
  ];
  for (const [outcome, text] of cases) {
    assert.equal(describeOutcome(outcome, "beforeLease"), `beforeLease hook ${text}`);
  }
});
