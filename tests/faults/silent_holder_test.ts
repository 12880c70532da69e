/** A client that holds the devices and stops answering: nothing says that it is gone, so its silence has to. */
import assert from "node:assert/strict";
import { startExporter } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { kill, Place } from "../fixtures/place.ts";
import { startJmp } from "../fixtures/program.ts";
import { openShell } from "../fixtures/shell.ts";

Deno.test("a holder that does not answer for half a minute holds no more", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  await using next = startJmp(place, [...exporter.shell, "--exclusive", "--wait", "--", "sh", "-c", "echo mine; cat"]);
  await next.seeErr("Waiting for the devices");
  kill(shell.program.pid, "SIGSTOP");
  // Half a minute, and what a busy machine takes on top.
  await until("the next one holds", () => next.stdout === "mine\n", 35_000);
  // It answers again, and finds that it is one of those who wait.
  kill(shell.program.pid, "SIGCONT");
  await shell.program.seeErr("Waiting for the devices: they are with");
  const { code, stderr } = await shell.runJ("itself", ["power", "on"]);
  assert.equal(code, 11, stderr);
});
