/** What is open when an exporter goes and comes back: a connected test, and an interactive shell. */
import assert from "node:assert/strict";
import { PowerClient } from "../../drivers/power/client.ts";
import { connect, JumpstarterError } from "../../mod.ts";
import { startExporter } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

function isLost(error: unknown): boolean {
  return error instanceof JumpstarterError && error.code === "connection_lost";
}

Deno.test("a connected test goes on with the exporter that has come back", async () => {
  await using place = await Place.open();
  const listener = `127.0.0.1:${freePort()}`;
  const first = await startExporter(place, { listener });
  await first.ready();
  const told: string[] = [];
  const back = Promise.withResolvers<void>();
  await using exporter = await connect(listener, {
    insecure: true,
    onReconnecting: (reason) => {
      told.push(reason);
      back.resolve();
    },
    onReconnected: () => told.push("back"),
  });
  const power = exporter.driver("power", PowerClient);
  await power.on();
  // A stream that breaks shows that the exporter is known to be gone: a call before that would be lost with it.
  const lost = assert.rejects(Array.fromAsync(exporter.logs()), isLost);
  await first.program.stop("SIGKILL");
  await first[Symbol.asyncDispose]();
  await lost;
  const call = power.off();
  call.catch(() => {/* looked at below */});
  await back.promise;
  await using second = await startExporter(place, { listener });
  await call;
  await second.program.seeErr("power off");
  assert.match(told[0] ?? "", /The connection to the exporter at \S+ was lost/);
  assert.deepEqual(told.slice(1), ["back"]);
});

Deno.test("an exporter that does not come back ends the wait with what is wrong", async () => {
  await using place = await Place.open();
  const running = await startExporter(place);
  await running.ready();
  await using exporter = await connect(running.address, { insecure: true, reconnectTimeoutMs: 300 });
  const power = exporter.driver("power", PowerClient);
  await power.on();
  await running.program.stop("SIGKILL");
  await running[Symbol.asyncDispose]();
  await assert.rejects(power.off(), isLost);
  await assert.rejects(power.off(), isLost);
});

Deno.test("an open shell goes on when the exporter has come back, and says so", async () => {
  await using place = await Place.open();
  const listener = `127.0.0.1:${freePort()}`;
  const first = await startExporter(place, { listener });
  await first.ready();
  const words = ["shell", "--tls-grpc", listener, "--tls-grpc-insecure", "--", "/bin/sh"];
  await using shell = startJmp(place, words);
  await shell.type("j power on && echo switched\n");
  await shell.seeOut("switched");
  await first.program.stop("SIGKILL");
  await first[Symbol.asyncDispose]();
  await shell.seeErr(`Reconnecting to ${listener}`);
  await using second = await startExporter(place, { listener });
  await shell.seeErr("Reconnected");
  await shell.type("j power off && echo again\n");
  await shell.seeOut("again");
  await second.program.seeErr("power off");
  await shell.type("exit 7\n");
  assert.equal((await shell.ended()).code, 7);
});

Deno.test("--wait waits for an exporter that is not up yet, and takes no word of the command for a duration", async () => {
  await using place = await Place.open();
  const listener = `127.0.0.1:${freePort()}`;
  const words = ["shell", "--tls-grpc", listener, "--tls-grpc-insecure", "--wait", "echo", "--wait", "done"];
  await using shell = startJmp(place, words);
  await shell.seeErr(`Waiting for an exporter at ${listener}: Cannot connect`);
  await using _exporter = await startExporter(place, { listener });
  const { code, stdout } = await shell.ended();
  assert.deepEqual([code, stdout], [0, "--wait done\n"]);
});

Deno.test("--wait=DURATION ends with what is wrong when the time is over", async () => {
  await using place = await Place.open();
  const words = ["shell", "--tls-grpc", `127.0.0.1:${freePort()}`, "--tls-grpc-insecure", "--wait=300ms", "--", "true"];
  const { code, stderr } = await runJmp(place, words);
  assert.equal(code, 4);
  assert.match(stderr, /connection refused/);
});
