import assert from "node:assert/strict";
import { join } from "node:path";
import { Listener } from "../listener.ts";
import { Logger } from "../log.ts";
import { serve } from "../rpc/mod.ts";
import { HookRunner } from "./hook_runner.ts";
import { LogFeed } from "./log_feed.ts";
import { runtimePaths } from "./runtime_paths.ts";

Deno.test("what a hook needs and cannot be made is its failure, and is made for the next", async () => {
  const path = await Deno.makeTempDir({ prefix: "hook-runner-" });
  try {
    const paths = runtimePaths(path);
    const ended: string[] = [];
    const log = new Logger(() => {});
    await using hooks = new HookRunner({
      dir: { ...paths, path, [Symbol.asyncDispose]: () => Promise.resolve() },
      log,
      feed: new LogFeed(),
      observe: (event) => event.kind === "hookEnded" && ended.push(event.result),
      configUrl: () => new URL("file:///bench.yaml"),
      serve: async () =>
        serve({
          listener: await Listener.open({ kind: "unix", path: join(path, "hook.sock") }),
          services: [],
          log,
        }),
      env: { PATH: Deno.env.get("PATH") ?? "" },
      launcher: ["true"],
      stopping: new AbortController().signal,
    });
    const run = () =>
      hooks.run(
        "beforeLease",
        { script: "true", timeoutMs: 30_000, onFailure: "warn" },
        { clientName: "", ended: new AbortController().signal },
      );
    const { outcome, reason } = await run(); // there is no directory for its `j`
    assert.equal(outcome.kind, "notStarted");
    assert.match(reason, /^beforeLease hook could not be started: No such file/);
    await Deno.mkdir(paths.binDir);
    assert.equal((await run()).outcome.kind, "ok");
    assert.deepEqual(ended, ["notStarted", "ok"]);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
