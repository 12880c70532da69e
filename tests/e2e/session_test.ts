/** Sessions: what ends with them, and hooks that run around each of them (`scope: session`). */
import assert from "node:assert/strict";
import { PowerClient } from "../../drivers/power/client.ts";
import { connect } from "../../mod.ts";
import { ExporterService } from "../../proto/mod.ts";
import { openChannel } from "../../src/client/mod.ts";
import { makeAuthority } from "../fixtures/certificate.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { until } from "../fixtures/until.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";

const shellDriver = "jumpstarter_driver_shell.driver.Shell";

/** A device whose method runs until it is ended, and an afterLease that looks whether it still does. */
function busyBench(place: Place) {
  const pid = place.path("pid");
  return {
    export: {
      tools: { type: shellDriver, config: { methods: { endless: `echo $$ >'${pid}'; echo begun; exec sleep 4715` } } },
      power: { type: "jumpstarter_driver_power.driver.MockPower" },
      echo: { type: "jumpstarter_driver_network.driver.EchoNetwork" },
    },
    hooks: {
      afterLease: {
        script: `if kill -0 "$(cat '${pid}')" 2>/dev/null; then echo in use; else echo alone; fi; j power off`,
      },
    },
  };
}

Deno.test("a stop ends the calls of clients before afterLease has the devices, and they read why", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: busyBench(place) });
  await exporter.ready();
  await using client = startJmp(place, [...exporter.shell, "--", "j", "tools", "endless"]);
  await client.seeOut("begun\n");
  const stopped = exporter.program.stop();
  const { code, stderr } = await client.ended();
  assert.equal(code, 7, stderr);
  assert.match(stderr, /^j: tools\.\w+ was cancelled: the exporter is stopping$/m);
  const ended = await stopped;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /\[afterLease\] alone\n/);
  assert.match(ended.stderr, /\[MockPower\] power off\n/);
  assert.deepEqual(await place.leftProcesses(), []);
});

Deno.test("a stop without hooks tells them the same", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: { ...busyBench(place), hooks: {} } });
  await exporter.ready();
  await using client = startJmp(place, [...exporter.shell, "--", "j", "tools", "endless"]);
  await client.seeOut("begun\n");
  const stopped = exporter.program.stop();
  const { code, stderr } = await client.ended();
  assert.equal(code, 7, stderr);
  assert.match(stderr, /^j: tools\.\w+ was cancelled: the exporter is stopping$/m);
  assert.equal((await stopped).code, 0);
  assert.deepEqual(await place.leftProcesses(), []);
});

Deno.test("EndSession ends the calls and the streams of clients, and brings the exporter back to ready", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: busyBench(place) });
  await exporter.ready();
  await using user = startJmp(place, [...exporter.shell, "--", "j", "tools", "endless"]);
  await user.seeOut("begun\n");
  await using other = await connect(exporter.address, { insecure: true });
  const stream = await other.driver("echo").openStream("connect");
  const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
  await writer.write(new TextEncoder().encode("here"));
  assert.equal(new TextDecoder().decode((await reader.read()).value), "here");

  assert.equal(await other.endSession(), "Ready for commands");
  const { code, stderr } = await user.ended();
  assert.equal(code, 9, stderr);
  assert.match(stderr, /^j: tools\.\w+ was cancelled: the session has ended$/m);
  const end = await reader.read().then(({ done }) => done ? "ended" : "goes on", (error) => String(error));
  assert.match(end, /ended/);
  await exporter.program.seeErr("[afterLease] alone\n");
  await other.driver("power", PowerClient).on();
  assert.equal((await runJmp(place, [...exporter.shell, "--", "j", "power", "on"])).code, 0, "others go on too");
});

/** Hooks that say for whom they run. */
const sessionHooks = {
  scope: "session",
  beforeLease: { script: 'echo "for $CLIENT_NAME"; j power on' },
  afterLease: { script: 'echo "after $CLIENT_NAME, $JMP_BEFORE_LEASE"; j power off' },
} as const;

Deno.test("scope session: both hooks run around each shell, and the exporter waits for the next", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: { hooks: sessionHooks } });
  await exporter.ready();
  assert.doesNotMatch(exporter.program.stderr, /Lease\]/, "nothing runs before there is a client");
  for (let round = 1; round <= 2; round++) {
    const { code, stdout, stderr } = await runJmp(place, [...exporter.shell, "--", "j", "power", "read"]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "0 V  0 A  0 W\n5 V  2 A  10 W\n" }, stderr);
    const [, name] = /^\[beforeLease\] for (127\.0\.0\.1:\d+)$/m.exec(stderr) ?? assert.fail(stderr);
    assert.equal(stderr.match(/Lease\]/g)?.length, 1, `only its own hook lines: ${stderr}`);
    await exporter.program.seeErr(`[afterLease] after ${name}, ok\n`);
    await exporter.program.seeErr(new RegExp(`(afterLease hook succeeded[^]*){${round}}Ready: `));
  }
  assert.deepEqual(exporter.program.stderr.match(/(?<=\[MockPower\] power )\w+/g), ["on", "off", "on", "off"]);
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/\[afterLease\] after/g)?.length, 2, "there is no session to end at the stop");
});

Deno.test("scope session: it lasts until the last of its clients has gone, and who comes meanwhile waits", async () => {
  await using place = await Place.open();
  const go = place.path("go");
  const beforeLease = { script: `echo preparing; until [ -e '${go}' ]; do sleep 0.02; done` };
  const hooks = { ...sessionHooks, beforeLease };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  await using first = startJmp(place, [...exporter.shell, "--", "cat"]);
  await first.seeErr("[beforeLease] preparing\n");
  await using second = startJmp(place, [...exporter.shell, "--", "sh", "-c", "echo in; cat"]);
  await second.seeErr("Waiting for the exporter: The beforeLease hook is running\n");
  await place.write("go", "");
  await second.seeOut("in\n");
  await first.closeInput();
  assert.equal((await first.ended()).code, 0);
  assert.equal((await runJmp(place, [...exporter.shell, "--", "j", "power", "on"])).code, 0);
  assert.doesNotMatch(exporter.program.stderr, /\[afterLease\]/);
  second.signal("SIGKILL"); // however a client goes
  await exporter.program.seeErr(/\[afterLease\] after 127\.0\.0\.1:\d+, ok\n/);
});

Deno.test("scope session: a client that gives up while it waits ends its beforeLease", async () => {
  await using place = await Place.open();
  const hooks = { ...sessionHooks, beforeLease: { script: "echo preparing; sleep 4716", timeout: 3600 } };
  await using exporter = await startExporter(place, { config: { hooks } });
  await exporter.ready();
  await using client = startJmp(place, [...exporter.shell, "--", "true"]);
  await client.seeErr("[beforeLease] preparing\n");
  await client.stop("SIGINT");
  await exporter.program.seeErr(/\[afterLease\] after 127\.0\.0\.1:\d+, interrupted\n/);
  assert.deepEqual(await place.leftProcesses("sleep"), []);
});

Deno.test("scope session: a client has the name in its certificate", async () => {
  await using place = await Place.open();
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue();
  const client = await authority.issueClient("anna@lab");
  const file = async (name: string, text: string) => await place.write(name, text);
  const ca = await file("ca.pem", authority.cert);
  const security = [
    "--tls-cert",
    await file("a.crt", cert),
    "--tls-key",
    await file("a.key", key),
    "--tls-client-ca",
    ca,
  ];
  await using exporter = await startExporter(place, { config: { hooks: sessionHooks }, security });
  await exporter.ready();
  const own = [
    "--tls-client-cert",
    await file("c.crt", client.cert),
    "--tls-client-key",
    await file("c.key", client.key),
  ];
  const shell = ["shell", "--tls-grpc", `127.0.0.1:${exporter.port}`, "--tls-ca", ca, ...own];
  const { code, stderr } = await runJmp(place, [...shell, "--", "true"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^\[beforeLease\] for anna@lab$/m);
  await exporter.program.seeErr("[afterLease] after anna@lab, ok\n");
});

Deno.test("scope session: a client whose beforeLease has failed, and who stays, is none of the next session", async () => {
  await using place = await Place.open();
  const repaired = place.path("repaired");
  const beforeLease = { script: `[ -e '${repaired}' ] || { echo broken; exit 1; }`, onFailure: "endLease" } as const;
  await using exporter = await startExporter(place, { config: { hooks: { ...sessionHooks, beforeLease } } });
  await exporter.ready();
  using stays = openChannel(exporter.address, { insecure: true });
  const readStatus = async () => (await stays.unary(ExporterService.method.getStatus, {})).message;
  await until("it reads why", async () => await readStatus() === "beforeLease hook failed with exit code 1");
  await place.write("repaired", "");
  await exporter.program.seeErr(/(Ready: [^]*){2}/); // after the pause it waits for the next
  assert.equal((await runJmp(place, [...exporter.shell, "--", "j", "power", "on"])).code, 0);
  await exporter.program.seeErr(/\[afterLease\] after 127\.0\.0\.1:\d+, ok\n/);
});

Deno.test("scope session: who only looks begins no session", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place, { config: { hooks: sessionHooks } });
  await exporter.ready();
  for (const command of ["inspect", "status"]) {
    const { code, stderr } = await runJmp(place, [command, "--tls-grpc", exporter.address, "--tls-grpc-insecure"]);
    assert.equal(code, 0, stderr);
  }
  const { stderr } = await exporter.program.stop();
  assert.doesNotMatch(stderr, /\[beforeLease\]/);
});

Deno.test("scope session: a shell that serves its own config is one session", async () => {
  await using place = await Place.open();
  const file = await writeConfig(place, { hooks: sessionHooks });
  const { code, stderr } = await runJmp(place, ["shell", "--exporter-config", file, "--", "j", "power", "on"]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/\[beforeLease\] for /g)?.length, 1, stderr);
  assert.equal(stderr.match(/\[afterLease\] after /g)?.length, 1, stderr);
});
