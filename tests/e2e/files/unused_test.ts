/** Files that clients open and no call uses: they go with their client, or when their time is over. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { JumpstarterError } from "../../../mod.ts";
import { fileBoxEntry, makeFileBox } from "../../fixtures/file_box.ts";
import { serveLocally } from "../../fixtures/local_exporter.ts";
import { until } from "../../fixtures/until.ts";
import { Place, repository } from "../../fixtures/place.ts";
import { Program } from "../../fixtures/program.ts";

/** What a call answers that takes `handle` for a file of its own. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(() => assert.fail("it was taken"), (error: unknown) => error);
  assert.ok(error instanceof JumpstarterError && error.code === "invalid_argument", String(error));
  return error.message;
}

Deno.test("a file that was opened is its client's own, and goes with it when it is killed", async () => {
  await using place = await Place.open();
  const box = makeFileBox();
  await using bench = await serveLocally({ box: fileBoxEntry }, [box.drivers]);
  const script = join(repository, "tests", "fixtures", "hold_resource.ts");
  await using holder = new Program(place, [Deno.execPath(), "run", "-A", script, String(bench.port), "box"]);
  const [line] = await holder.seeOut(/^.+\n/);
  const steal = () => refusal(bench.exporter.driver("box").call("write", [JSON.parse(line)]));
  assert.match(await steal(), /by another client$/);
  holder.signal("SIGKILL");
  await until("the file is gone", async () => /no open file$/.test(await steal()));
});

Deno.test("a file that no call uses in time is freed, and its client told", async () => {
  const box = makeFileBox();
  await using bench = await serveLocally({ box: fileBoxEntry }, [box.drivers], { unusedFileTimeoutMs: 50 });
  const client = bench.exporter.driver("box");
  const never = () => new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  // What a client does that has forgotten its file.
  const forgotten = client.link.caller.upload(never(), () => new Promise(() => {}));
  await assert.rejects(forgotten, { code: "timeout", message: "no call has used the file for 0.05 s" });
});
