/** Several clients at one exporter, one of which wants its devices to itself. */
import assert from "node:assert/strict";
import { PowerClient } from "../../drivers/power/client.ts";
import { connect, JumpstarterError } from "../../mod.ts";
import { exitCodes } from "../../src/exit_codes.ts";
import { until } from "../fixtures/until.ts";
import { startExporter, writeConfig } from "../fixtures/exporter.ts";
import { freePort } from "../fixtures/network.ts";
import { kill, Place } from "../fixtures/place.ts";
import { runJmp, startJmp } from "../fixtures/program.ts";
import { openShell } from "../fixtures/shell.ts";

const held = /busy: held by (\S+ from )?127\.0\.0\.1:\d+ since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

Deno.test("jmp shell --exclusive has the devices to itself for as long as it lasts", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  for (const worker of ["its agent", "itself"] as const) {
    const { code, stderr } = await shell.runJ(worker, ["power", "on"]);
    assert.equal(code, 0, stderr);
  }
  const nested = await shell.runScript("itself", `jmp ${exporter.shell.join(" ")} -- j power off`);
  assert.equal(nested.code, 0, nested.stderr);
  const refused = [
    await runJmp(place, ["j", "power", "on"], { env: exporter.env }),
    await runJmp(place, [...exporter.shell, "--exclusive", "--", "true"]),
    await runJmp(place, [...exporter.shell, "--", "j", "power", "on"]),
  ];
  for (const { code, stderr } of refused) {
    assert.equal(code, exitCodes.busy, stderr);
    assert.match(stderr, held);
    assert.match(stderr, /\n {2}jmp shell --exclusive --wait waits for the devices, and --steal takes them over\n$/);
  }
  const look = await runJmp(place, ["inspect", ...exporter.shell.slice(1)]);
  assert.match(look.stdout, /power {2}/);
  const secret = shell.env("either").JMP_HOLD ?? assert.fail("the shell has no key");
  assert.ok(secret.length >= 16);
  await shell.program.closeInput();
  const ended = await shell.program.ended();
  for (const text of [ended.stderr, exporter.program.stderr, ...refused.map(({ stderr }) => stderr)]) {
    assert.ok(!text.includes(secret), "the key is shown");
  }
  const free = await runJmp(place, ["j", "power", "on"], { env: exporter.env });
  assert.equal(free.code, 0, free.stderr);
});

Deno.test("a holder that is killed is no holder, although its command lives on", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  await using next = startJmp(place, [...exporter.shell, "--exclusive", "--wait", "--", "j", "power", "on"]);
  await next.seeErr(/Waiting for the devices: they are with (\S+ from )?127\.0\.0\.1:\d+ since/);
  kill(shell.program.pid, "SIGKILL"); // its command has its pipes, so their end is not waited for
  const { code, stderr } = await next.ended();
  assert.equal(code, 0, stderr);
});

Deno.test("--wait=DURATION ends when the devices do not become free in time, and says who has them", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using _shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  const { code, stderr } = await runJmp(place, [...exporter.shell, "--exclusive", "--wait=1s", "--", "true"]);
  assert.equal(code, exitCodes.timeout, stderr);
  assert.match(stderr, /The devices did not become free in time\n {2}they are with .*127\.0\.0\.1:\d+ since/);
});

Deno.test("--steal takes over: the one who lost is told at once, goes on, and is refused with who it was", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  await using reading = shell.startJ("its agent", ["power", "read", "-n", "1000", "-i", "0.05"]);
  await reading.seeOut("W\n");
  await using thief = await openShell(place, [...exporter.shell, "--steal"]);
  await shell.program.seeErr(/jmp: .*127\.0\.0\.1:\d+ since \S+Z has taken over the devices/);
  const broken = await reading.ended();
  assert.equal(broken.code, exitCodes.busy, broken.stderr);
  assert.match(broken.stderr, /the devices were taken over by|busy: held by/);
  for (const worker of ["its agent", "itself"] as const) {
    const { code, stderr } = await shell.runJ(worker, ["power", "on"]);
    assert.equal(code, exitCodes.busy, stderr);
    assert.match(stderr, held);
  }
  const works = await thief.runJ("its agent", ["power", "on"]);
  assert.equal(works.code, 0, works.stderr);
  await thief.program.closeInput();
  await thief.program.ended();
  const again = await shell.runJ("its agent", ["power", "off"]);
  assert.equal(again.code, 0, again.stderr);
});

Deno.test("a shell that was told to have the devices to itself is not let off by a key that is lost", async () => {
  await using place = await Place.open();
  await using exporter = await startExporter(place);
  await exporter.ready();
  await using shell = await openShell(place, [...exporter.shell, "--exclusive"]);
  const nested = (...options: string[]) => ["jmp", ...exporter.shell, ...options, "--", "echo", "reached"].join(" ");
  const inside = await shell.runScript("itself", nested("--exclusive"));
  assert.deepEqual([inside.code, inside.stdout], [0, "reached\n"], inside.stderr);
  await using thief = await openShell(place, [...exporter.shell, "--steal"]);
  await shell.program.seeErr("has taken over the devices");
  const refused = await shell.runScript("itself", nested("--exclusive"));
  assert.deepEqual([refused.code, refused.stdout], [exitCodes.busy, ""], refused.stderr);
  assert.match(refused.stderr, held);
  const late = await shell.runScript("itself", nested("--exclusive", "--wait=1s"));
  assert.equal(late.code, exitCodes.timeout, late.stderr);
  assert.match(late.stderr, /Waiting for the devices: they are with .*127\.0\.0\.1:\d+ since/);
  void thief;
});

Deno.test("a config can make it the rule: every client holds, hooks do not", async () => {
  await using place = await Place.open();
  const hooks = {
    beforeLease: { script: "j power on", onFailure: "exit" as const },
    afterLease: { script: "j power off" },
  };
  await using exporter = await startExporter(place, { config: { exclusive: true, hooks } });
  await exporter.ready();
  const shell = await openShell(place, exporter.shell);
  await using _shell = shell;
  const refused = [
    await runJmp(place, ["j", "power", "on"], { env: exporter.env }),
    await runJmp(place, [...exporter.shell, "--", "true"]),
  ];
  for (const { code, stderr } of refused) assert.equal(code, exitCodes.busy, stderr);
  const look = await runJmp(place, ["inspect", ...exporter.shell.slice(1)]);
  assert.equal(look.code, 0, look.stderr);
  const own = await shell.runJ("its agent", ["power", "on"]);
  assert.equal(own.code, 0, own.stderr);
  const { code, stderr } = await exporter.program.stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\[MockPower\] power off/);
});

Deno.test("a connected program can hold the devices, and takes them again after a restart of the exporter", async () => {
  await using place = await Place.open();
  const listener = `127.0.0.1:${freePort()}`;
  const first = await startExporter(place, { listener });
  await first.ready();
  const exclusive = { name: "the test", steal: false };
  await using exporter = await connect(listener, { insecure: true, exclusive });
  await using shared = await connect(listener, { insecure: true, holdToken: exporter.holdToken });
  await shared.driver("power", PowerClient).on();
  const isBusy = (error: unknown) => {
    assert.ok(error instanceof JumpstarterError && error.code === "busy", String(error));
    assert.match(error.message, /^busy: held by the test from 127\.0\.0\.1:\d+ since/);
    assert.equal(error.hint, "exclusive: { waitMs } waits for the devices, and { steal: true } takes them over");
    return true;
  };
  await assert.rejects(connect(listener, { insecure: true, exclusive: true }), isBusy);
  await using stranger = await connect(listener, { insecure: true });
  await assert.rejects(stranger.driver("power", PowerClient).on(), isBusy);
  await first.program.stop("SIGKILL");
  await first[Symbol.asyncDispose]();
  await using second = await startExporter(place, { listener });
  await second.ready();
  await until("the devices are held again", async () => {
    const { code, stderr } = await runJmp(place, ["j", "power", "on"], { env: second.env });
    return code === exitCodes.busy && stderr.includes("held by the test from");
  });
  await exporter.driver("power", PowerClient).off();
});

Deno.test("a shell that serves its config itself holds the devices too, where the config says so", async () => {
  await using place = await Place.open();
  const config = await writeConfig(place, { exclusive: true });
  await using shell = await openShell(place, ["shell", "--exporter-config", config]);
  await using reading = shell.startJ("its agent", ["power", "read", "-n", "1000", "-i", "0.05"]);
  await reading.seeOut("W\n");
  for (const worker of ["its agent", "itself"] as const) {
    const { code, stderr } = await shell.runJ(worker, ["power", "on"]);
    assert.equal(code, 0, stderr);
  }
});
