/** What a run that was killed has left is removed by the next one, and what others still use is not. */
import assert from "node:assert/strict";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { kill, Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

/** The directories that are there, and those of them that were not before. */
async function dirsSince(place: Place, before: readonly string[] = []): Promise<string[]> {
  return (await place.leftFiles()).filter((name) => name.startsWith("jumpstarter-") && !before.includes(name));
}

Deno.test("jmp run removes what one has left that was killed, and nothing of one that runs", async () => {
  await using place = await Place.open();
  await using other = await startExporter(place);
  const kept = await dirsSince(place);
  assert.equal(kept.length, 1);
  {
    await using killed = await startExporter(place);
    await killed.ready();
    killed.program.signal("SIGKILL");
    await killed.program.ended();
  }
  const left = await dirsSince(place, kept);
  assert.equal(left.length, 1, "what is to be removed");
  await using next = await startExporter(place);
  await next.ready();
  await next.program.seeErr(`Removed ${place.path("tmp", left[0] ?? "")}, which`);
  assert.ok(!(await place.leftFiles()).includes(left[0] ?? ""));
  for (const { program } of [next, other]) assert.equal((await program.stop()).code, 0);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("the script of a hook, which may have passwords in it, goes with the exporter that was killed", async () => {
  await using place = await Place.open();
  const script = "console.log('begun'); setInterval(() => {}, 1e6);"; // Deno runs files alone
  const hooks = { beforeLease: { script, exec: Deno.execPath(), timeout: 3600 } };
  {
    await using killed = await startExporter(place, { config: { hooks } });
    await killed.program.seeErr("begun");
    killed.program.signal("SIGKILL");
    await killed.program.ended();
  }
  await using next = await startExporter(place);
  await next.ready();
  assert.equal((await next.program.stop()).code, 0);
  assert.deepEqual(await place.leftFiles(), []);
});

Deno.test("the directory of a forward's socket goes with the next program when its own was killed", async () => {
  await using place = await Place.open();
  const echo = { type: "jumpstarter_driver_network.driver.EchoNetwork" };
  await using exporter = await startExporter(place, { config: { export: { echo } } });
  await exporter.ready();
  const kept = await place.leftFiles();
  {
    await using killed = startJmp(place, ["j", "echo", "forward-unix"], { env: exporter.env });
    await killed.seeOut(".sock\n");
    killed.signal("SIGKILL");
    await killed.ended();
  }
  assert.equal((await dirsSince(place, kept)).length, 1, "what is to be removed");
  assert.equal((await runJmp(place, [...exporter.shell, "--", "true"])).code, 0);
  assert.deepEqual(await place.leftFiles(), kept);
});

Deno.test("jmp shell removes what a shell has left that was killed, with its own exporter or another", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  const kept = await place.leftFiles();
  const file = await writeConfig(place);
  for (const where of [exporter.shell, ["shell", "--exporter-config", file]]) {
    {
      await using killed = startJmp(place, [...where, "--", "sh", "-c", "echo in; sleep 600"]);
      await killed.seeOut("in\n");
      killed.signal("SIGKILL");
    } // which kills the rest of its group
    assert.notDeepEqual(await dirsSince(place, kept), [], "what is to be removed");
    const { code, stderr } = await runJmp(place, [...where, "--", "true"]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await place.leftFiles(), kept);
  }
});

Deno.test("an exporter of least privilege keeps its directory although the process that made it is gone", async () => {
  await using place = await Place.open();
  const exporter = await startExporter(place, { args: ["--least-privilege"] });
  await exporter.ready();
  const kept = await place.leftFiles();
  exporter.program.signal("SIGKILL");
  const file = await writeConfig(place);
  const shell = ["shell", "--exporter-config", file, "--", "true"];
  assert.equal((await runJmp(place, shell)).code, 0);
  assert.deepEqual(await place.leftFiles(), kept, "the exporter itself still runs");
  for (const pid of (await place.processes()).keys()) kill(pid, "SIGKILL");
  await exporter[Symbol.asyncDispose]();
  assert.deepEqual(await place.leftProcesses(), []);
  assert.equal((await runJmp(place, shell)).code, 0);
  assert.deepEqual(await place.leftFiles(), []);
});
