/** Connections that go, or were never what they seemed: a client says so and ends, whatever happens. */
import assert from "node:assert/strict";
import { startExporter } from "../fixtures/exporter.ts";
import { serveGoaway } from "../fixtures/network.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

Deno.test("an exporter that is killed is a lost connection, for j and then for the shell's own code", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  const words = ["--", "j", "power", "read", "-n", "100", "-i", "0.05"];
  await using client = startJmp(place, [...exporter.shell, ...words]);
  await client.seeOut("5 V  2 A  10 W\n");
  exporter.program.signal("SIGKILL");
  const { code, stderr } = await client.ended();
  assert.equal(code, 7, stderr);
  assert.equal(
    stderr,
    `j: The connection to the exporter at ${exporter.address} was lost\n  see whether it is still running\n`,
  );
});

Deno.test("an exporter that is being stopped refuses the next call, and says why", async () => {
  await using place = await Place.open();
  const hooks = { afterLease: { script: `until [ -e "${place.path("go")}" ]; do sleep 0.02; done` } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  await using client = startJmp(place, [...exporter.shell, "--", "j", "power", "read", "-n", "1000", "-i", "0.01"]);
  await client.seeOut("5 V  2 A  10 W\n");
  exporter.program.signal("SIGTERM");
  const { code, stderr } = await client.ended();
  assert.equal(code, 9, stderr);
  assert.equal(stderr, "j: The exporter is not ready (AFTER_LEASE_HOOK): The afterLease hook is running\n");
  await place.write("go", "");
  assert.equal((await exporter.program.ended()).code, 0);
});

Deno.test("a client that is killed leaves the exporter serving", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  const env = exporter.env;
  for (let round = 0; round < 3; round++) {
    await using client = startJmp(place, ["j", "power", "read", "-n", "1000", "-i", "0.01"], { env });
    await client.seeOut("5 V  2 A  10 W\n");
    client.signal("SIGKILL");
    await client.ended();
  }
  assert.equal((await runJmp(place, ["j", "power", "on"], { env })).code, 0);
  assert.equal((await exporter.program.stop()).code, 0);
});

Deno.test("a server that says goodbye while a client connects does not make it spin", async () => {
  await using place = await Place.open();
  await using server = serveGoaway();
  const words = ["shell", "--tls-grpc", `127.0.0.1:${server.port}`, "--tls-grpc-insecure", "--", "true"];
  const { code, stderr } = await runJmp(place, words);
  assert.ok([4, 7].includes(code), `${code}: ${stderr}`);
  assert.match(stderr, /^jmp: [^\n]+\n( {2}[^\n]+\n)?$/);
});
